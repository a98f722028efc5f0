/**
 * Closing 10,000 idle keep-alive HTTPS connections while requests are in flight on others: this library's drain beside other ways.
 *
 * Each way gets a server process of its own, within one run; the clients are in processes of their own, and judge by `watch()` how each
 * connection ended. What is measured is from the call until the last idle connection is closed on the server. The requests in flight are
 * answered after that: half of them stream all the time, half have sent nothing yet.
 *
 * Needs `npm ci --prefix bench`. SOCKETS and ROUNDS in the environment make it shorter, WAYS (parts of their names, by commas) picks some.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { median } from './statistics.js';
import type { Ends } from './drain-clients.js';
import { WAYS, type WayName } from './drain-ways.js';
import type { Closing } from './drain-server.js';

const SOCKETS = Number(process.env['SOCKETS'] ?? 10_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 1);
const PICKED = (process.env['WAYS'] ?? '').split(',');
/** Requests. */
const IN_FLIGHT = 20;
/** Processes that hold the idle connections. */
const CLIENTS = 4;

interface Result extends Closing {
  readonly ends: Ends;
  readonly lost: number;
  /** Between two chunks of an answer that streams, in milliseconds. */
  readonly longestGap: number;
}

function start(file: string, ...args: (string | number)[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args.map(String), { execArgv: ['--expose-gc'] });
}

async function told<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T];
  return message;
}

async function measure(way: WayName): Promise<Result> {
  const server = start('./drain-server.js', way, SOCKETS);
  const port = await told<number>(server);
  const idle = Array.from({ length: CLIENTS }, (_, i) => start('./drain-clients.js', 'idle', port, Math.floor((SOCKETS + i) / CLIENTS)));
  await Promise.all(idle.map(told));
  const busy = start('./drain-clients.js', 'busy', port, IN_FLIGHT);
  await told(busy);

  const ended = Promise.all(idle.map((child) => told<Ends>(child)));
  const answered = told<{ answered: number; longestGap: number }>(busy);
  server.send('close');
  const closing = await told<Closing>(server);
  const ends = (await ended).reduce((sum, one) => ({ clean: sum.clean + one.clean, cut: sum.cut + one.cut, reset: sum.reset + one.reset, unverified: sum.unverified + one.unverified }));
  server.send('finish');
  const { answered: count, longestGap } = await answered;
  for (const child of [server, busy, ...idle]) child.kill('SIGKILL');
  return { ...closing, ends, lost: IN_FLIGHT - count, longestGap };
}

const names = (Object.keys(WAYS) as WayName[]).filter((name) => PICKED.some((part) => name.includes(part)));
const results = new Map<WayName, Result[]>(names.map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const name of round % 2 === 0 ? names : names.toReversed()) results.get(name)!.push(await measure(name));
}

console.log(`node ${process.version}: ${SOCKETS} idle connections, ${IN_FLIGHT} requests in flight${ROUNDS > 1 ? `; times are medians of ${ROUNDS} runs, counts are sums` : ''}\n`);
console.log('| closed by | all closed after, ms | CPU of the server, ms | longest stall, ms | CPU in one stall, ms | clean ends | cut | reset | can’t be told | answers in flight lost | longest pause of one, ms | peak memory, MB | of that by closing, MB |');
console.log('|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|');
for (const [name, runs] of results) {
  const times = (['wall', 'cpu', 'stall', 'stallCpu'] as const).map((key) => median(runs.map((run) => run[key])).toFixed(0));
  const ends = (['clean', 'cut', 'reset', 'unverified'] as const).map((key) => runs.reduce((sum, run) => sum + run.ends[key], 0));
  const lost = runs.reduce((sum, run) => sum + run.lost, 0);
  const last = (['longestGap', 'peak', 'growth'] as const).map((key) => median(runs.map((run) => run[key])).toFixed(0));
  console.log(`| ${name} | ${[...times, ...ends, lost, ...last].join(' | ')} |`);
}
const [ours, bare] = [results.get('drainable().drain()'), results.get('end() on all idle ones, in one turn')];
if (ours !== undefined && bare !== undefined) {
  const ratio = (key: 'cpu' | 'stall' | 'stallCpu' | 'peak'): string => (median(ours.map((run) => run[key])) / median(bare.map((run) => run[key]))).toFixed(3);
  console.log(`\ndrain() / end() on all: CPU ${ratio('cpu')}, longest stall ${ratio('stall')}, its CPU ${ratio('stallCpu')}, peak memory ${ratio('peak')}`);
}
