/**
 * What `drainable` costs a secure HTTP/2 server that is not draining: small requests and bulk in both directions. A plain server, another plain one and a
 * drainable one, in turn within one run, each in a process of its own, whose CPU time is compared. The two plain ones show the noise.
 *
 * In the environment: REQUESTS, MEGABYTES and ROUNDS make it shorter.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2';
import { drainable } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { median } from './statistics.js';

const REQUESTS = Number(process.env['REQUESTS'] ?? 5000);
const MEGABYTES = Number(process.env['MEGABYTES'] ?? 200);
const ROUNDS = Number(process.env['ROUNDS'] ?? 7);
const WINDOW = 1 << 24;
const WAYS = ['plain', 'plain again', 'drainable'];

function serve(way: string): void {
  const server = http2.createSecureServer({ ...certificate, settings: { initialWindowSize: WINDOW } });
  if (way === 'drainable') drainable(server);
  server.on('session', (session) => session.setLocalWindowSize(WINDOW));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/upload') stream.resume().once('end', () => stream.end('ok'));
    else if (headers[':path'] === '/download') send(stream);
    else stream.end('ok');
  });
  process.on('message', () => process.send!(process.cpuUsage()));
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
}

function send(stream: ServerHttp2Stream | ClientHttp2Stream): void {
  const chunk = Buffer.alloc(1 << 16);
  let left = MEGABYTES << 20;
  const more = (): void => {
    while (left > 0) {
      left -= chunk.length;
      if (!stream.write(chunk)) return void stream.once('drain', more);
    }
    stream.end();
  };
  more();
}

async function request(session: ClientHttp2Session, path: string): Promise<void> {
  const stream = session.request({ ':path': path, ':method': path === '/upload' ? 'POST' : 'GET' });
  if (path === '/upload') send(stream);
  await once(stream.resume(), 'close');
}

async function small(session: ClientHttp2Session, concurrency: number): Promise<number> {
  const total = concurrency === 1 ? REQUESTS / 5 : REQUESTS;
  let left = total;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await request(session, '/');
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return total;
}

async function bulk(session: ClientHttp2Session, path: string): Promise<number> {
  await request(session, path);
  return MEGABYTES;
}

/** Microseconds that the server's process has used. */
async function cpu(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [{ user, system }] = (await once(server, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

/** Each gives how many it did. */
const jobs: Record<string, (session: ClientHttp2Session) => Promise<number>> = {
  'a small request, 50 at once': (session) => small(session, 50),
  'a small request, one by one': (session) => small(session, 1),
  'a megabyte down': (session) => bulk(session, '/download'),
  'a megabyte up': (session) => bulk(session, '/upload'),
};

async function connect(server: ChildProcess): Promise<ClientHttp2Session> {
  const [port] = (await once(server, 'message')) as [number];
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings: { initialWindowSize: WINDOW } });
  await once(session, 'connect');
  session.setLocalWindowSize(WINDOW);
  return session;
}

function spread(ratios: number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

async function run(): Promise<void> {
  const servers = WAYS.map((way) => fork(new URL(import.meta.url), [way]));
  const sessions = await Promise.all(servers.map(connect));
  console.log(`node ${process.version}, CPU time of the server, ${ROUNDS} rounds: median of the plain one, medians (and ranges) of the others over it in each round`);
  for (const [job, go] of Object.entries(jobs)) {
    const costs: number[][] = [];
    for (const session of sessions) await go(session); // warm
    for (let round = 0; round < ROUNDS; round++) {
      const cost: number[] = [];
      for (let i = 0; i < WAYS.length; i++) {
        const at = (round + i) % WAYS.length; // each is first as often
        const before = await cpu(servers[at]!);
        const done = await go(sessions[at]!);
        cost[at] = ((await cpu(servers[at]!)) - before) / done;
      }
      costs.push(cost);
    }
    const [again, drained] = [1, 2].map((at) => spread(costs.map((cost) => cost[at]! / cost[0]!)));
    console.log(`  ${job.padEnd(28)} plain ${median(costs.map(([cost]) => cost!)).toFixed(0)} us, again ${again}, drainable ${drained}`);
  }
  for (const session of sessions) session.destroy();
  for (const server of servers) server.kill();
}

if (process.argv[2] === undefined) await run();
else serve(process.argv[2]);
