/**
 * Drains HTTP/2 servers under load and counts what became of the requests: `node build/scripts/http2-soak.js [drains]`. The clients run in a process
 * of their own, with sessions that upload and download all the time.
 *
 * A request is lost only if it was on the wire. Those that Node's client had created and not sent yet when the GOAWAY came fail inside of that client;
 * the server has not seen them, and the client knows it: its stream never got an id, or it was refused by the client's own session.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Server } from 'node:net';
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

function request(session: ClientHttp2Session, counts: Count): void {
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  let received = 0;
  let sent = false;
  let failure = '';
  stream.once('ready', () => (sent = true)); // it has an id: its HEADERS are with nghttp2
  stream.on('data', (chunk: Buffer) => (received += chunk.length));
  stream.on('error', (error: NodeJS.ErrnoException) => (failure = `${error.code} ${error.message}`));
  stream.on('close', () => {
    if (received === DOWNLOAD && failure === '') count(counts, 'served');
    else if (!sent) count(counts, 'never sent');
    else count(counts, `LOST rst ${stream.rstCode} received ${received} id ${stream.id} ${failure}`);
  });
  stream.end(Buffer.alloc(UPLOAD));
}

/** Requests until the session doesn't take any more; at its close the counts are told. */
async function load(port: number, counts: Count): Promise<void> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', (error: NodeJS.ErrnoException) => count(counts, `SESSION ERROR ${error.code}`));
  const closed = new Promise((resolve) => session.once('close', resolve));
  while (!session.closed && !session.destroyed) {
    for (let i = 0; i < 3; i++) request(session, counts);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await closed;
}

function clients(): void {
  process.on('message', async (port: number) => {
    const counts: Count = {};
    await Promise.all(Array.from({ length: SESSIONS }, () => load(port, counts)));
    process.send!(counts);
  });
}

async function drainOnce(child: ReturnType<typeof fork>, total: Count): Promise<void> {
  const server = http2.createSecureServer(certificate, (incoming, response) => {
    incoming.resume().once('end', () => setTimeout(() => response.end(Buffer.alloc(DOWNLOAD)), Math.random() * 10));
  });
  const connections = new Set<Http2Connection>();
  let busy = (): void => {};
  const underLoad = new Promise<void>((resolve) => (busy = resolve));
  let requests = 0;
  const start = 20 + Math.random() * 300;
  server.on('request', () => ++requests > start && connections.size === SESSIONS && busy());
  server.on('sessionError', (error) => count(total, `server: ${(error as NodeJS.ErrnoException).code}`));
  carryHttp2(server, (connection) => {
    connections.add(connection);
    connection.socket.on('error', (error: NodeJS.ErrnoException) => count(total, `server's socket: ${error.code}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  child.send((server.address() as AddressInfo).port);
  const told = once(child, 'message') as Promise<[Count]>;
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
  for (const [key, value] of Object.entries((await told)[0])) total[key] = (total[key] ?? 0) + value;
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
