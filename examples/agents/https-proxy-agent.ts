/** https-proxy-agent: connections through a proxy (`CONNECT`), drained while requests run. TLS ends in both directions through the tunnel. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { drainAgent } from 'tls-graceful-shutdown';
import { listen } from '../support/local.js';
import { startOrigin } from '../support/origin.js';

const origin = await startOrigin();
const proxy = http.createServer();
proxy.on('connect', (request, client: net.Socket, head: Buffer) => {
  const upstream = net.connect(Number(request.url!.split(':')[1]), '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
  upstream.write(head);
  void Promise.all([pipeline(client, upstream), pipeline(upstream, client)]);
});
const agent = new HttpsProxyAgent(`http://localhost:${await listen(proxy)}`, { keepAlive: true });

async function get(): Promise<string> {
  const [response] = (await once(https.get(origin.url, { agent, ca: origin.ca }), 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return body;
}

const answers = Promise.all([get(), get()]);
await origin.asked();
const report = await drainAgent(agent);

console.log(`${(await answers).length} answers; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([await answers, report.complete], [['answer', 'answer'], report.total]);
origin.close();
proxy.close();
