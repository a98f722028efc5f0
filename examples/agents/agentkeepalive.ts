/** agentkeepalive, which extends `http.Agent`, drained while requests run and wait. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { HttpsAgent } from 'agentkeepalive';
import { drainAgent } from 'tls-graceful-shutdown';
import { startOrigin } from '../support/origin.js';

const origin = await startOrigin();
const agent = new HttpsAgent({ maxSockets: 2, ca: origin.ca });

async function get(): Promise<string> {
  const [response] = (await once(https.get(origin.url, { agent }), 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return body;
}

const answers = Promise.all([get(), get(), get()]);
await origin.asked();
const report = await drainAgent(agent);

console.log(`${(await answers).length} answers; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([await answers, report.complete], [['answer', 'answer', 'answer'], report.total]);
origin.close();
