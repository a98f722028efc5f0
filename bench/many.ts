/**
 * Many at once, and peers that never come to an end: does the process stay healthy? The peers are in a process of their own.
 *
 *   node build/bench/many.js [sockets, default 10000]
 *
 * - `answered`: all are shut down in one turn, and every peer answers.
 * - `silent`: the same, and no peer ever answers. All have to end in TIMEOUT, not long behind the limit, and nothing of them may be left.
 * - `for ever`: ten peers send without an end, to a socket that nobody reads (`keep`, `discard`) and to one that an application reads.
 *
 * Prints how long it took, the longest stall of the event loop, and the peak of memory. Fails if an answer is another one, comes too late, or something is left.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import tls, { type TLSSocket } from 'node:tls';
import { shutdown, watch, type ShutdownOptions } from '../src/index.js';
import { collect } from '../test/support/gc.js';
import { certificate } from '../test/support/pair.js';

const SOCKETS = Number(process.argv[2] ?? 10_000);
const FOREVER = 10;
const TIMEOUT = 5000;
/** Behind the limit, in ms: 10,000 timers go off in one turn, and each call is answered. */
const LATE = 2000;
/** Bytes for each socket: a tenth of what a socket that is kept takes. */
const LEFT = 500;
/** Bytes of the whole process, while ten peers send as fast as they can. */
const MORE = 100_000_000;

type Habit = 'answers' | 'silent' | 'for ever';
const HABITS: readonly Habit[] = ['answers', 'silent', 'for ever'];

function serve(): void {
  const block = Buffer.alloc(65_536, 'x');
  const send = (socket: TLSSocket): void => {
    while (socket.writable && socket.write(block));
    socket.once('drain', () => send(socket));
  };
  const server = tls.createServer({ ...certificate, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', ([habit]: Buffer) => {
      if (HABITS[habit!] === 'for ever') send(socket);
      if (HABITS[habit!] === 'answers') socket.once('end', () => socket.end());
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => process.send!((server.address() as { port: number }).port));
}

async function connect(port: number, habit: Habit): Promise<TLSSocket> {
  const socket = watch(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }));
  await once(socket, 'secureConnect');
  socket.write(Buffer.from([HABITS.indexOf(habit)]));
  return socket;
}

async function connectAll(port: number, habit: Habit, count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) sockets.push(...(await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, () => connect(port, habit)))));
  return sockets;
}

interface Measured {
  readonly answers: Readonly<Record<string, number>>;
  readonly ms: number;
  readonly stall: number;
  readonly more: number;
}

/** Shuts all down in one turn. */
async function shutAll(sockets: readonly TLSSocket[], options: ShutdownOptions): Promise<Measured> {
  await collect();
  const before = process.memoryUsage.rss();
  let peak = before;
  const looking = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const results = await Promise.all(sockets.map((socket) => shutdown(socket, { bidirectional: true, timeout: TIMEOUT, ...options })));
  const ms = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 10)); // the delay is measured by a timer
  delay.disable();
  clearInterval(looking);
  const answers: Record<string, number> = {};
  for (const { value, error } of results) {
    const key = error === undefined ? String(value) : error.code.replace('ERR_TLS_SHUTDOWN_', '');
    answers[key] = (answers[key] ?? 0) + 1;
  }
  return { answers, ms, stall: delay.max / 1e6, more: Math.max(peak, process.memoryUsage.rss()) - before };
}

const wrong: string[] = [];

function print(name: string, { answers, ms, stall, more }: Measured, expected: string, count: number, limit: number): void {
  console.log(`${name}: ${JSON.stringify(answers)} in ${ms.toFixed(0)} ms, longest stall ${stall.toFixed(0)} ms, ${(more / 1e6).toFixed(0)} MB more at the peak`);
  if (answers[expected] !== count) wrong.push(`${name}: not all are ${expected}`);
  if (ms > limit) wrong.push(`${name}: it took ${ms.toFixed(0)} ms, the limit is ${limit}`);
}

async function gone(sockets: readonly TLSSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => (socket.closed ? undefined : new Promise<void>((resolve) => socket.once('close', () => resolve())))));
}

/** What is left in the heap of `count` sockets that are closed, and of handles. */
async function expectFreed(name: string, before: number, count: number): Promise<void> {
  await collect();
  const left = (process.memoryUsage().heapUsed - before) / count;
  const handles = process.getActiveResourcesInfo().filter((resource) => /TCP|TLS/.test(resource)).length;
  console.log(`${name}: ${left.toFixed(0)} bytes of the heap are left for each socket, ${handles} handles`);
  if (left > LEFT || handles > 0) wrong.push(`${name}: something is left`);
}

async function run(peers: ChildProcess): Promise<void> {
  const [port] = (await once(peers, 'message')) as [number];
  for (const socket of await connectAll(port, 'answers', 200)) await shutdown(socket.resume(), { bidirectional: true }); // warms up
  for (const [name, habit, expected] of [['answered', 'answers', '1'], ['silent', 'silent', 'TIMEOUT']] as const) {
    await collect();
    const before = process.memoryUsage().heapUsed;
    let sockets: TLSSocket[] = await connectAll(port, habit, SOCKETS);
    print(`${SOCKETS} ${name}`, await shutAll(sockets, { unread: 'discard' }), expected, SOCKETS, TIMEOUT + LATE);
    for (const socket of sockets) socket.destroy();
    await gone(sockets);
    sockets = [];
    await expectFreed(name, before, SOCKETS);
  }
  for (const [name, options, reads] of [['keep', { unread: 'keep' }, false], ['discard', { unread: 'discard' }, false], ['the default, read by an application', {}, true]] as const) {
    const sockets = await connectAll(port, 'for ever', FOREVER);
    if (reads) for (const socket of sockets) socket.on('data', () => {});
    const measured = await shutAll(sockets, options);
    print(`${FOREVER} peers that send for ever, ${name}`, measured, 'TIMEOUT', FOREVER, TIMEOUT + LATE);
    if (measured.more > MORE) wrong.push(`${name}: ${measured.more} bytes more`);
    for (const socket of sockets) socket.destroy();
    await gone(sockets);
  }
}

if (process.argv[2] === 'peers') serve();
else {
  console.log(`node ${process.version}`);
  const peers = fork(new URL(import.meta.url), ['peers']);
  await run(peers).finally(() => peers.kill());
  for (const each of wrong) console.log(`WRONG: ${each}`);
  if (wrong.length > 0) process.exitCode = 1;
}
