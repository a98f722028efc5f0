/**
 * What carrying HTTP/2 sessions costs, against Node's own secure HTTP/2 server: small requests and bulk in both directions, the two in turn within one
 * run, each server in a process of its own, of which the CPU time is compared too: it depends less on what else the machine does.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2';
import { carryHttp2 } from '../src/drain/http2.js';
import { certificate } from '../test/support/pair.js';
import { median } from './statistics.js';

const REQUESTS = Number(process.env['REQUESTS'] ?? 5000);
const MEGABYTES = Number(process.env['MEGABYTES'] ?? 200);
const ROUNDS = Number(process.env['ROUNDS'] ?? 7);
const WINDOW = 1 << 24;

function serve(carried: boolean): void {
  const server = http2.createSecureServer({ ...certificate, settings: { initialWindowSize: WINDOW } });
  if (carried) carryHttp2(server, () => {});
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
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) await request(session, '/');
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (total / (performance.now() - start)) * 1000;
}

async function bulk(session: ClientHttp2Session, path: string): Promise<number> {
  const start = performance.now();
  await request(session, path);
  return (MEGABYTES / (performance.now() - start)) * 1000;
}

async function cpu(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [{ user, system }] = (await once(server, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

const jobs: Record<string, (session: ClientHttp2Session) => Promise<number>> = {
  'small requests a second, 50 at once': (session) => small(session, 50),
  'small requests a second, one by one': (session) => small(session, 1),
  'download, MB/s': (session) => bulk(session, '/download'),
  'upload, MB/s': (session) => bulk(session, '/upload'),
};

async function run(): Promise<void> {
  const names = ['stock', 'carried'];
  const servers = names.map((name) => fork(new URL(import.meta.url), [name]));
  const sessions = await Promise.all(
    servers.map(async (server) => {
      const [port] = (await once(server, 'message')) as [number];
      const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings: { initialWindowSize: WINDOW } });
      await once(session, 'connect');
      session.setLocalWindowSize(WINDOW);
      return session;
    }),
  );
  console.log(`node ${process.version}, median of ${ROUNDS}:`);
  for (const [job, go] of Object.entries(jobs)) {
    const values: number[][] = names.map(() => []);
    const ratios: number[] = [];
    const cpuRatios: number[] = [];
    for (const session of sessions) await go(session); // warm
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      const used = [0, 0];
      for (const i of order) {
        const before = await cpu(servers[i]!);
        values[i]!.push(await go(sessions[i]!));
        used[i] = (await cpu(servers[i]!)) - before;
      }
      cpuRatios.push(used[1]! / used[0]!);
      ratios.push(values[1]!.at(-1)! / values[0]!.at(-1)!);
    }
    console.log(`  ${job.padEnd(36)} ${names.map((name, i) => `${name} ${median(values[i]!).toFixed(0)}`).join(', ')}; carried / stock: ${median(ratios).toFixed(2)}, CPU time ${median(cpuRatios).toFixed(2)}`);
  }
  for (const session of sessions) session.destroy();
  for (const server of servers) server.kill();
}

if (process.argv[2] === undefined) await run();
else serve(process.argv[2] === 'carried');
