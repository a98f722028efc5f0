/** One connection, six lives: TLS, plaintext, and TLS again, three times over. Nothing of one gets into the next, and the socket is the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { getShutdown, unwrap, wrap } from 'tls-graceful-shutdown';
import { answer, ask } from './support/lines.js';
import { certificate, listen } from './support/local.js';

const ROUNDS = 3;
const identity = await certificate();

const server = net.createServer((socket) => void serve(socket));

async function serve(socket: net.Socket): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    const secure = wrap(socket, { isServer: true, ...identity });
    await answer(secure, `secret ${round}`, '200 through TLS');
    await unwrap(secure);
    await answer(socket, `plain ${round}`, '200 in plaintext'); // the next TLS begins right behind it
  }
  socket.end();
}

const socket = net.connect(await listen(server), '127.0.0.1');
for (let round = 1; round <= ROUNDS; round++) {
  const secure = wrap(socket, { servername: 'localhost', ca: identity.cert });
  await once(secure, 'secureConnect');
  assert.equal(await ask(secure, `secret ${round}`), '200 through TLS');
  const protocol = secure.getProtocol();
  assert.equal(await unwrap(secure), socket);
  assert.deepEqual(getShutdown(secure), { sent: 'close_notify', received: 'close_notify' });
  assert.equal(await ask(socket, `plain ${round}`), '200 in plaintext');
  console.log(`round ${round}: ${protocol}, then plaintext`);
}
await once(socket.resume(), 'end');
console.log(`one connection, ${socket.bytesWritten} bytes sent`);
server.close();
