/**
 * A Socket.IO server that drains. The drain's `signal` comes once nothing new is accepted: then it answers what its clients have asked, and closes them. They connect
 * again by themselves, to another process. `finish` lets each connection end so, before TLS does.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const identity = await certificate();
const server = https.createServer(identity);
const io = new Server(server);
const inWork = new Set<Promise<void>>();
io.on('connection', (socket) => {
  socket.on('order', (name: string, answer: (text: string) => void) => {
    const work = prepare(name).then(answer);
    inWork.add(work);
    void work.finally(() => inWork.delete(work));
  });
});

const draining = drainable(server, { finish: async (socket) => void (await once(socket, 'end')) });
draining.signal.addEventListener('abort', async () => {
  await Promise.allSettled(inWork);
  await io.close();
});
drainOnSignal(draining);
const port = await listen(server);

async function prepare(name: string): Promise<string> {
  if (inWork.size === clients.length - 1) process.kill(process.pid, 'SIGTERM'); // all have ordered
  await new Promise((resolve) => setTimeout(resolve, 200));
  return `a ${name}`;
}

// Two clients wait for an answer when the signal comes: one that has a WebSocket, and one that polls.
const drained = once(draining.signal, 'abort').then(() => draining.drain()); // joins the one that the signal begins
const clients = (['websocket', 'polling'] as const).map((transport) => connect(`https://localhost:${port}`, { ca: identity.cert, transports: [transport] }));
const disconnected = Promise.all(clients.map((client) => new Promise((resolve) => client.on('disconnect', resolve))));
const answers = await Promise.all(clients.map((client) => client.emitWithAck('order', 'coffee') as Promise<string>));
const report = await drained;
await disconnected;
const connectAgain = clients.filter(({ active }) => active).length;
for (const client of clients) client.close();

console.log(`answered: ${answers.join(', ')}; ${connectAgain} connect again; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([answers, connectAgain, report.forced], [['a coffee', 'a coffee'], 2, 0]);
