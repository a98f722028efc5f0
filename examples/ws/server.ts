/** A WebSocket server of the ws package that drains: `finish` sends a close frame with 1001 ("going away") and waits for the client's, then TLS ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const identity = await certificate();
const server = https.createServer(identity);
const webSockets = new WeakMap<Duplex, WebSocket>();
new WebSocketServer({ server }).on('connection', (webSocket, request) => {
  webSockets.set(request.socket, webSocket);
  webSocket.on('message', (message) => setTimeout(() => webSocket.send(`echo of ${String(message)}`), 50));
});

const draining = drainable(server, {
  finish: async (socket) => {
    const webSocket = webSockets.get(socket);
    if (webSocket === undefined) return; // refused
    webSocket.close(1001, 'going away');
    await once(webSocket, 'close'); // the client has answered, or 30 seconds are over
  },
});
drainOnSignal(draining);
const port = await listen(server);

// Two clients; then comes the signal.
const drained = once(draining.signal, 'abort').then(() => draining.drain()); // joins the one that the signal begins
const clients = [1, 2].map(() => new WebSocket(`wss://localhost:${port}`, { ca: identity.cert }));
const answers = Promise.all(
  clients.map(async (client) => {
    await once(client, 'open');
    client.send('hello');
    return String((await once(client, 'message'))[0]);
  }),
);
assert.deepEqual(await answers, ['echo of hello', 'echo of hello']);
const closed = Promise.all(clients.map((client) => once(client, 'close')));
process.kill(process.pid, 'SIGTERM');
const codes = (await closed).map(([code]) => code as number);
const report = await drained;

console.log(`the clients were closed with ${codes.join(', ')}; ${report.total} WebSockets, ${report.complete} complete`);
assert.deepEqual([codes, report.total, report.complete], [[1001, 1001], 2, 2]);
