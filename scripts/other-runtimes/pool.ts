/** A pool of connections that is drained while its requests are in work. Run by Node, Bun and Deno; its server is in draining.ts. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { drainAgent } from 'tls-graceful-shutdown';
import type { Line } from './shared.js';

const ca = readFileSync(new URL('../../../fixtures/localhost.cert.pem', import.meta.url));
const port = Number(process.argv[2]);
const agent = new https.Agent({ keepAlive: true, maxSockets: 3 });

async function get(path: string): Promise<void> {
  const [response] = (await once(https.get({ port, host: '127.0.0.1', servername: 'localhost', ca, agent, path }), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  if (text !== `answer to ${path}`) throw new Error(`got ${JSON.stringify(text)}`);
}

await Promise.all(['/', '/', '/'].map(get));
const requests = Promise.all(['/slow', '/slow', '/slow', '/queued', '/queued'].map(get));
const [report] = await Promise.all([drainAgent(agent, { grace: 8000 }), requests]);
console.log(JSON.stringify({ report } satisfies Line));
process.exit();
