/**
 * The control connection of FTPS (RFC 4217): AUTH TLS makes it TLS by `wrap`, so that the password is secret; CCC, "clear command channel",
 * makes it plain again by `unwrap`, so that a firewall can read the addresses in PORT and PASV. Both sides are here. The check: what a tap on
 * the client's connection saw of it in plaintext.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { unwrap, wrap } from 'tls-graceful-shutdown';
import { answer, ask, readReply } from './support/lines.js';
import { certificate, listen } from './support/local.js';

const identity = await certificate();

const server = net.createServer((socket) => void serve(socket));

/** A server for one client, with one user and no files. */
async function serve(socket: net.Socket): Promise<void> {
  socket.write('220 ready\r\n');
  await answer(socket, 'AUTH TLS', '234 go ahead');
  assert.equal(socket.readableLength, 0); // commands that came behind it would be an attacker's, see starttls.ts
  const secure = wrap(socket, { isServer: true, ...identity });
  await answer(secure, 'USER me', '331 password?');
  await answer(secure, 'PASS secret', '230 welcome');
  await answer(secure, 'CCC', '200 plaintext from now on'); // the last words through TLS
  const plain = await unwrap(secure); // flushes them, and waits for the client's alert
  assert.equal(plain, socket);
  await answer(plain, 'PASV', '227 entering passive mode (127,0,0,1,200,13)');
  await answer(plain, 'QUIT', '221 bye');
  plain.end();
}

const socket = net.connect(await listen(server), '127.0.0.1');

// The tap: what was written to the connection itself.
let wire = '';
const { write } = socket;
socket.write = ((chunk: string | Buffer, ...rest: []) => {
  wire += Buffer.from(chunk).toString('latin1');
  return write.call(socket, chunk, ...rest);
}) as typeof write;

assert.equal(await readReply(socket), '220 ready');
assert.equal(await ask(socket, 'AUTH TLS'), '234 go ahead');
assert.equal(socket.readableLength, 0);

const secure = wrap(socket, { servername: 'localhost', ca: identity.cert });
await once(secure, 'secureConnect');
assert.equal(await ask(secure, 'USER me'), '331 password?');
assert.equal(await ask(secure, 'PASS secret'), '230 welcome');
assert.equal(await ask(secure, 'CCC'), '200 plaintext from now on');

const plain = await unwrap(secure);
assert.equal(plain, socket); // the very connection
const passive = await ask(plain, 'PASV');
console.log(`in plaintext: ${passive}`);
assert.match(passive, /^227 /);
assert.equal(await ask(plain, 'QUIT'), '221 bye');
plain.end();
server.close();

const readable = ['AUTH TLS', 'USER', 'PASS', 'secret', 'CCC', 'PASV', 'QUIT'].filter((word) => wire.includes(word));
console.log(`readable on the wire: ${readable.join(', ')}`);
assert.deepEqual(readable, ['AUTH TLS', 'PASV', 'QUIT']);
