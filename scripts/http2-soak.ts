/**
 * Drains HTTP/2 servers under load and counts what became of the requests: `node build/scripts/http2-soak.js [drains]`. The clients run in a process
 * of their own, with sessions that upload and download all the time. What a server refuses they send again, to the next server.
 *
 * A request that reached an application and has no whole answer is lost. So is one that reached an application twice: it was refused, and yet processed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { drainable, type DrainableServer } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { isRefused, isTooLate } from './refused.js';

const DRAINS = Number(process.argv[2] ?? 200);
const SESSIONS = 8;
const UPLOAD = 20_000;
const DOWNLOAD = 40_000;

type Count = Record<string, number>;

function count(counts: Count, key: string, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by;
}

/** From the server that is drained to the next one. */
interface Ports {
  readonly now: number;
  readonly next: number;
}

interface Told {
  readonly counts: Count;
  /** Requests without a whole answer, and why. */
  readonly failed: [path: string, why: string][];
}

/** How a request ended. */
function request(session: ClientHttp2Session, path: string): Promise<'served' | 'refused' | Error> {
  let stream: http2.ClientHttp2Stream;
  try {
    stream = session.request({ ':path': path, ':method': 'POST' });
  } catch (error) {
    return Promise.resolve(isTooLate(error) ? 'refused' : (error as Error));
  }
  let received = 0;
  let failure = '';
  stream.on('data', (chunk: Buffer) => (received += chunk.length));
  stream.on('error', (error: NodeJS.ErrnoException) => (failure = error.message));
  stream.end(Buffer.alloc(UPLOAD));
  return new Promise((resolve) => {
    stream.on('close', () => {
      if (received === DOWNLOAD && failure === '') resolve('served');
      else resolve(isRefused(stream) ? 'refused' : new Error(`reset ${stream.rstCode}, ${received} bytes received, ${failure}`));
    });
  });
}

async function open(port: number, counts: Count): Promise<ClientHttp2Session> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', (error: NodeJS.ErrnoException) => count(counts, `client: ${error.code}`));
  await once(session, 'connect');
  return session;
}

/** Requests until the session doesn't take any more, and those again that were refused. */
async function load(name: number, { now, next }: Ports, { counts, failed }: Told): Promise<void> {
  const session = await open(now, counts);
  let later: Promise<ClientHttp2Session> | undefined;
  const send = async (path: string): Promise<void> => {
    let outcome = await request(session, path);
    if (outcome === 'refused') {
      count(counts, 'refused, repeated');
      outcome = await request(await (later ??= open(next, counts)), path);
    }
    if (outcome === 'served') count(counts, 'served');
    else failed.push([path, String(outcome)]);
  };
  const sent: Promise<void>[] = [];
  while (!session.closed && !session.destroyed) {
    for (let i = 0; i < 3; i++) sent.push(send(`/${name}/${sent.length}`));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(sent);
  await new Promise<void>((resolve) => (session.destroyed ? resolve() : void session.once('close', resolve)));
  (await later)?.close();
}

function clients(): void {
  process.on('message', async (ports: Ports) => {
    const told: Told = { counts: {}, failed: [] };
    await Promise.all(Array.from({ length: SESSIONS }, (_, name) => load(name, ports, told)));
    process.send!(told);
  });
}

/** Each path that reached the application is put into `reached`. */
async function serve(reached: string[], total: Count, onRequest = (): void => {}): Promise<{ drains: DrainableServer; port: number }> {
  const server = http2.createSecureServer(certificate, (incoming, response) => {
    reached.push(incoming.url);
    incoming.resume().once('end', () => setTimeout(() => response.end(Buffer.alloc(DOWNLOAD)), Math.random() * 10));
    onRequest();
  });
  server.on('sessionError', (error) => count(total, `server: ${(error as NodeJS.ErrnoException).code}`));
  const drains = drainable(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { drains, port: (server.address() as AddressInfo).port };
}

async function drainOnce(child: ReturnType<typeof fork>, total: Count): Promise<void> {
  const reached: string[] = [];
  const start = 20 + Math.random() * 300;
  let busy = (): void => {};
  const underLoad = new Promise<void>((resolve) => (busy = resolve));
  const first = await serve(reached, total, () => reached.length > start && first.drains.connections === SESSIONS && busy());
  const second = await serve(reached, total);
  child.send({ now: first.port, next: second.port } satisfies Ports);
  const told = once(child, 'message') as Promise<[Told]>;
  await underLoad;
  const { complete, oneWay, failed: notClosed, forced, errors } = await first.drains.drain();
  const [{ counts, failed }] = await told;
  await second.drains.drain();
  for (const [outcome, times] of Object.entries({ complete, oneWay, failed: notClosed, forced, ...errors })) if (times > 0) count(total, outcome, times);
  for (const [key, times] of Object.entries(counts)) count(total, key, times);
  const paths = new Set(reached);
  for (const [path, why] of failed) count(total, `LOST: ${paths.has(path) ? 'reached the application' : 'never reached it'}, ${why}`);
  if (paths.size < reached.length) count(total, 'LOST: reached an application twice', reached.length - paths.size);
}

async function run(): Promise<void> {
  const child = fork(new URL(import.meta.url), ['clients']);
  const total: Count = {};
  for (let i = 0; i < DRAINS; i++) await drainOnce(child, total);
  child.kill();
  console.log(`node ${process.version}, ${DRAINS} drains of ${SESSIONS} sessions:`, total);
  if (Object.keys(total).some((key) => key.startsWith('LOST') || key === 'failed' || key === 'forced')) process.exitCode = 1;
}

if (process.argv[2] === 'clients') clients();
else await run();
