/** A client of a peer that scripts/other-runtimes/closing.ts plays. It does what the README tells users to do, and prints what it has seen. Run by Node, Bun and Deno. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, getShutdownError, gracefulShutdown, shutdown, unwrap, watch, wrap, type ShutdownResult } from 'tls-graceful-shutdown';

import { SIZE, type Seen } from './shared.js';

const ca = readFileSync(new URL('../../../fixtures/localhost.cert.pem', import.meta.url));


type Answer = Seen['answers'][number];

function answer({ value, error, state }: ShutdownResult): Answer {
  return { value, ...(error && { code: error.code }), ...state };
}

/** As an answer of a call that was not made. */
function look(socket: TLSSocket): Answer {
  return { value: 0, ...getShutdown(socket) };
}

async function connect(port: number): Promise<TLSSocket> {
  const socket = watch(tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca }));
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** The bytes read so far. */
function counted(socket: TLSSocket): () => number {
  let read = 0;
  socket.on('data', (chunk: Buffer) => (read += chunk.length));
  return () => read;
}

const closed = (socket: TLSSocket): Promise<unknown> => new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once('close', resolve)));

const PROGRAMS: Record<string, (port: number) => Promise<Seen>> = {
  /** Writes a lot, closes both ways, and destroys the socket, as one does with an answer of -1. */
  async both(port) {
    const socket = await connect(port);
    const read = counted(socket);
    socket.write(Buffer.alloc(SIZE));
    const answers = [answer(await shutdown(socket, { bidirectional: true }))];
    socket.destroy();
    await closed(socket);
    return { answers, read: read() };
  },

  async steps(port) {
    const socket = await connect(port);
    const read = counted(socket);
    socket.write(Buffer.alloc(SIZE));
    const answers = [answer(await shutdown(socket)), answer(await shutdown(socket)), answer(await shutdown(socket))];
    socket.destroy();
    return { answers, read: read() };
  },

  /** Closes in a read callback, where Node would drop what has come behind. */
  async reading(port) {
    const socket = await connect(port);
    const read = counted(socket);
    socket.write(Buffer.alloc(SIZE));
    const result = await new Promise<ShutdownResult>((resolve) => socket.once('data', () => resolve(shutdown(socket, { bidirectional: true }))));
    socket.destroy();
    await closed(socket);
    return { answers: [answer(result)], read: read() };
  },

  /** The peer ends first; then the answer to a call. */
  async peerFirst(port) {
    const socket = await connect(port);
    const read = counted(socket);
    await once(socket, 'end').catch(() => {});
    const answers = [look(socket), answer(await shutdown(socket, { bidirectional: true, timeout: 1000 }))];
    socket.destroy();
    await closed(socket);
    return { answers: [...answers, look(socket)], read: read() };
  },

  async impatient(port) {
    const socket = await connect(port);
    const read = counted(socket);
    socket.write(Buffer.alloc(SIZE * 10));
    const value = await gracefulShutdown(socket, { bidirectional: true, timeout: 300 });
    const { code } = getShutdownError(socket) ?? {};
    const answers = [{ value, ...(code !== undefined && { code }), ...getShutdown(socket) }];
    socket.destroy();
    return { answers, read: read() };
  },

  async quiet(port) {
    const socket = await connect(port);
    socket.write(Buffer.alloc(SIZE));
    const answers = [answer(await shutdown(socket, { quiet: true }))];
    await closed(socket);
    return { answers, read: 0 };
  },

  /** TLS ends, and the connection goes on in plaintext: or it is destroyed, and says why. */
  async unwrap(port) {
    const transport = net.connect({ port, host: '127.0.0.1' });
    transport.on('error', () => {});
    await once(transport, 'connect');
    const socket = wrap(transport, { servername: 'localhost', ca });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.write(Buffer.alloc(SIZE));
    try {
      const plain = await unwrap(socket, { unread: 'discard' });
      const [first] = (await once(plain, 'data')) as [Buffer];
      plain.end();
      return { answers: [{ value: 1, ...getShutdown(socket) }], read: first.length };
    } catch (error) {
      return { answers: [{ value: -1, code: (error as NodeJS.ErrnoException).code ?? String(error), ...getShutdown(socket) }], read: 0 };
    }
  },
};

const [, , name = '', port] = process.argv;
const program = PROGRAMS[name];
if (program !== undefined) {
  console.log(JSON.stringify(await program(Number(port))));
  process.exit();
}
