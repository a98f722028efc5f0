/** got with an agent of its own, drained while requests run and wait. */
import assert from 'node:assert/strict';
import https from 'node:https';
import got from 'got';
import { drainAgent } from 'tls-graceful-shutdown';
import { startOrigin } from '../support/origin.js';

const origin = await startOrigin();
const agent = new https.Agent({ keepAlive: true, maxSockets: 2 });
const client = got.extend({ agent: { https: agent }, https: { certificateAuthority: origin.ca } });

const answers = Promise.all([1, 2, 3].map(() => client(origin.url).text()));
await origin.asked();
const report = await drainAgent(agent);

console.log(`${(await answers).length} answers; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([await answers, report.complete], [['answer', 'answer', 'answer'], report.total]);
origin.close();
