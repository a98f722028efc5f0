/**
 * Server-sent events and a drain. A stream of events has no end of its own, so a drain would cut it at the end of `grace`. It ends by the `signal` of the
 * drainable server. A browser's EventSource then connects again by itself, to another process, and says which event it had last.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';

function serveEvents(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): void {
  let id = Number(request.headers['last-event-id'] ?? 0);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const timer = setInterval(() => response.write(`id: ${++id}\ndata: ${new Date().toISOString()}\n\n`), 50);
  const end = (): void => void response.end('retry: 100\n\n'); // milliseconds until the client connects again
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  response.once('close', () => {
    clearInterval(timer);
    signal.removeEventListener('abort', end);
  });
}

const identity = await certificate();
const server = https.createServer(identity, (request, response) => serveEvents(request, response, draining.signal));
const draining = drainable(server);
const port = await listen(server);

// The redirect from http: is drained with it. Its connections have no TLS, and end on both sides in order.
const redirect = http.createServer((request, response) => response.writeHead(308, { location: `https://localhost:${port}${request.url}` }).end());
const drainingToo = drainable(redirect);
await listen(redirect);

const request = https.get({ host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert, agent: false });
const [response] = (await once(request, 'response')) as [IncomingMessage];
let text = '';
response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
await once(response, 'data');

const [report] = await Promise.all([draining.drain(), drainingToo.drain(), once(response, 'end')]);
assert.match(text, /^id: 1\ndata: .*\n\n[^]*retry: 100\n\n$/);
assert.equal(report.forced, 0);
console.log(`${text}(the end)`);
