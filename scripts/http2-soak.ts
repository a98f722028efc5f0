/**
 * Drains HTTP/2 servers under load and counts what became of the requests: `node build/scripts/http2-soak.js [drains]`. The clients run in a process
 * of their own, with sessions that upload and download all the time.
 *
 * A failed request is lost if it was on the wire: if its HEADERS are among the bytes that the server's socket has read up to the client's end, which
 * are looked at for that. Those that Node's client had created and not sent yet when the GOAWAY came fail inside of that client; no server can help them.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { shutdown } from '../src/index.js';
import { carryHttp2, type Http2Connection } from '../src/drain/http2.js';
import { certificate } from '../test/support/pair.js';

const DRAINS = Number(process.argv[2] ?? 200);
const SESSIONS = 8;
const UPLOAD = 20_000;
const DOWNLOAD = 40_000;

type Count = Record<string, number>;

function count(counts: Count, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

interface Told {
  readonly counts: Count;
  /** Requests without a whole answer: the client's port, the stream, why. */
  readonly failed: [port: number, stream: number | undefined, why: string][];
}

function request(session: ClientHttp2Session, port: number, told: Told): void {
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  let received = 0;
  let failure = '';
  stream.on('data', (chunk: Buffer) => (received += chunk.length));
  stream.on('error', (error: NodeJS.ErrnoException) => (failure = error.message));
  stream.on('close', () => {
    if (received === DOWNLOAD && failure === '') count(told.counts, 'served');
    else told.failed.push([port, stream.id, `reset ${stream.rstCode}, ${received} bytes received, ${failure}`]);
  });
  stream.end(Buffer.alloc(UPLOAD));
}

/** The streams whose HEADERS a server has read. */
function streamsOn(socket: TLSSocket): Set<number> {
  const streams = new Set<number>();
  let pending = Buffer.alloc(0);
  let skip = 24; // the preface
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= skip + 9) {
      pending = pending.subarray(skip);
      if (pending[3] === 1) streams.add(pending.readUInt32BE(5));
      skip = 9 + pending.readUIntBE(0, 3);
    }
  });
  return streams;
}

/** Requests until the session doesn't take any more; at its close the counts are told. */
async function load(port: number, told: Told): Promise<void> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', (error: NodeJS.ErrnoException) => count(told.counts, `client: ${error.code}`));
  const closed = new Promise((resolve) => session.once('close', resolve));
  await once(session, 'connect');
  const { localPort } = session.socket;
  while (!session.closed && !session.destroyed) {
    for (let i = 0; i < 3; i++) request(session, localPort!, told);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await closed;
}

function clients(): void {
  process.on('message', async (port: number) => {
    const told: Told = { counts: {}, failed: [] };
    await Promise.all(Array.from({ length: SESSIONS }, () => load(port, told)));
    process.send!(told);
  });
}

async function drainOnce(child: ReturnType<typeof fork>, total: Count): Promise<void> {
  const server = http2.createSecureServer(certificate, (incoming, response) => {
    incoming.resume().once('end', () => setTimeout(() => response.end(Buffer.alloc(DOWNLOAD)), Math.random() * 10));
  });
  const connections = new Set<Http2Connection>();
  const arrived = new Map<number, Set<number>>();
  let busy = (): void => {};
  const underLoad = new Promise<void>((resolve) => (busy = resolve));
  let requests = 0;
  const start = 20 + Math.random() * 300;
  server.on('request', () => ++requests > start && connections.size === SESSIONS && busy());
  server.on('sessionError', (error) => count(total, `server: ${(error as NodeJS.ErrnoException).code}`));
  carryHttp2(server, (connection) => {
    connections.add(connection);
    arrived.set(connection.socket.remotePort!, streamsOn(connection.socket));
    connection.socket.on('error', (error: NodeJS.ErrnoException) => count(total, `server's socket: ${error.code}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  child.send((server.address() as AddressInfo).port);
  const told = once(child, 'message') as Promise<[Told]>;
  await underLoad;
  const closed = once(server, 'close');
  Server.prototype.close.call(server);
  await Promise.all(
    [...connections].map(async (connection) => {
      await connection.drain();
      const { value, state, error } = await shutdown(connection.socket, { bidirectional: true });
      count(total, `shutdown ${value}, the client's side: ${state.received} ${error?.code ?? ''}`);
    }),
  );
  await closed;
  const [{ counts, failed }] = await told;
  for (const [key, value] of Object.entries(counts)) total[key] = (total[key] ?? 0) + value;
  for (const [port, stream, why] of failed) count(total, stream !== undefined && arrived.get(port)!.has(stream) ? `LOST: ${why}` : 'never sent');
}

async function run(): Promise<void> {
  const child = fork(new URL(import.meta.url), ['clients']);
  const total: Count = {};
  for (let i = 0; i < DRAINS; i++) await drainOnce(child, total);
  child.kill();
  console.log(`node ${process.version}, ${DRAINS} drains of ${SESSIONS} sessions:`, total);
  if (Object.keys(total).some((key) => key.startsWith('LOST'))) process.exitCode = 1;
}

if (process.argv[2] === 'clients') clients();
else await run();
