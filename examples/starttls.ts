/**
 * SMTP with STARTTLS (RFC 3207): one connection, plain first, then TLS by `wrap`. And what somebody on the path can do to it: put plaintext
 * behind the server's answer to STARTTLS, which a client that reads ahead takes for the first answers through TLS. (Done to a server's
 * commands it is CVE-2011-0411.) So at that moment nothing may be there to read. `wrap` helps: what is left in the socket's buffer, or
 * comes later, is the beginning of TLS to it, and makes the handshake fail.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { unwrap, wrap } from 'tls-graceful-shutdown';
import { answer, ask, readReply } from './support/lines.js';
import { certificate, listen } from './support/local.js';

const identity = await certificate();

/** A mail server for one client. `injected` stands for the attacker: it comes in one segment with the last plain answer. */
async function serve(socket: net.Socket, injected: string): Promise<void> {
  socket.write('220 localhost ESMTP\r\n');
  await answer(socket, 'EHLO me', '250-localhost\r\n250 STARTTLS');
  await answer(socket, 'STARTTLS', `220 go ahead${injected}`);
  if (socket.readableLength > 0) throw new Error('commands came behind STARTTLS'); // the same check, on this side
  const secure = wrap(socket, { isServer: true, ...identity });
  await once(secure, 'secure');
  await answer(secure, 'EHLO me', '250-localhost\r\n250 AUTH PLAIN');
  await answer(secure, 'QUIT', '221 bye');
  (await unwrap(secure)).end();
}

async function startServer(injected: string): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer((socket) => void serve(socket, injected).catch(() => socket.destroy()));
  return { server, port: await listen(server) };
}

/** Connects and asks for TLS. */
async function startTls(port: number, check: (socket: net.Socket) => void): Promise<TLSSocket> {
  const socket = net.connect(port, '127.0.0.1');
  assert.equal(await readReply(socket), '220 localhost ESMTP');
  assert.match(await ask(socket, 'EHLO me'), /^250[ -]STARTTLS$/m);
  assert.match(await ask(socket, 'STARTTLS'), /^220 /);
  check(socket);
  const secure = wrap(socket, { servername: 'localhost', ca: identity.cert });
  await once(secure, 'secureConnect');
  return secure;
}

/** Everything that was read from the socket is a line that was asked for, so what came too early is in its buffer. */
function refuseEarlyBytes(socket: net.Socket): void {
  const early = socket.readableLength;
  if (early === 0) return;
  socket.destroy();
  throw new Error(`${early} bytes of plaintext came behind the answer to STARTTLS`);
}

{
  const { server, port } = await startServer('');
  const secure = await startTls(port, refuseEarlyBytes);
  const capabilities = await ask(secure, 'EHLO me'); // once more: what was said before TLS could be anybody's
  console.log(`through ${secure.getProtocol()}: ${capabilities.replace('\n', ', ')}`);
  assert.match(capabilities, /AUTH PLAIN/);
  assert.equal(await ask(secure, 'QUIT'), '221 bye');
  (await unwrap(secure)).end(); // both alerts, and only then the end of the connection
  server.close();
}

{
  const { server, port } = await startServer('\r\n250-localhost\r\n250 AUTH PLAIN');
  await assert.rejects(startTls(port, refuseEarlyBytes), (error: Error) => {
    console.log(`with the check: ${error.message}`);
    return error.message.startsWith('31 bytes');
  });
  await assert.rejects(
    startTls(port, () => {}),
    (error: NodeJS.ErrnoException) => {
      console.log(`without it: the handshake fails, ${error.code}`);
      return error.code?.startsWith('ERR_SSL_') === true;
    },
  );
  server.close();
}
