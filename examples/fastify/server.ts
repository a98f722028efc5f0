/**
 * A Fastify application that drains when it is told to end. Fastify's own `close()` comes after the drain, for the `onClose` hooks of plugins: before
 * it, it would drop idle connections without close_notify.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import { certificate } from '../support/local.js';

const identity = await certificate();
const app = fastify({ https: identity, forceCloseConnections: false });
const pluginsClosed = new Promise<void>((resolve) => void app.addHook('onClose', async () => resolve()));
app.get('/', async () => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return 'hello';
});

const draining = drainable(app.server);
drainOnSignal(draining, { onDrained: () => app.close() });
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;

// A client in the middle of a request when the signal comes.
const drained = once(draining.signal, 'abort').then(() => draining.drain()); // joins the one that the signal begins
const agent = new https.Agent({ keepAlive: true });
const request = https.get({ agent, host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert });
await once(app.server, 'request');
process.kill(process.pid, 'SIGTERM');
const [response] = (await once(request, 'response')) as [IncomingMessage];
let body = '';
for await (const chunk of response) body += chunk;
const report = await drained;
await pluginsClosed;

console.log(`answered "${body}" with Connection: ${response.headers.connection}; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([body, response.headers.connection, report.total, report.complete], ['hello', 'close', 1, 1]);
