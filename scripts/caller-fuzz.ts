/**
 * Is what a caller is told true, and is his socket as he left it, whatever he does with it? Random sequences of legal calls on one socket: reading in all ways,
 * writing, ending, destroying, listeners that throw, methods replaced, and all calls of ours with all options. The peer is honest, and ends in several ways.
 * The pure tables of `src/closure/` say what may be answered; what crossed, and the same sequence on a socket of plain Node, say what may be read, heard and lost.
 *
 *   node build/scripts/caller-fuzz.js [--runs 10000 | --seconds 60] [--seed N] [--at-once 12] [--plan JSON]
 *
 * A sequence that fails is shrunk to the fewest steps that still fail, and printed as a plan that `--plan` plays again.
 */
import { parseArgs } from 'node:util';
import { turns } from '../test/support/pair.js';
import { Thrown } from './caller-fuzz/caller.js';
import { broken } from './caller-fuzz/laws.js';
import { play, type Played } from './caller-fuzz/play.js';
import { planOf, simpler, type Plan } from './caller-fuzz/plan.js';
import { compare } from './caller-fuzz/twin.js';

const { values } = parseArgs({ options: { runs: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' }, 'at-once': { type: 'string', default: '12' }, plan: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const end = values.seconds === undefined ? Infinity : performance.now() + 1000 * Number(values.seconds);
const runs = values.plan !== undefined ? 1 : Number(values.runs ?? (values.seconds === undefined ? 10_000 : Infinity));
/** A failure may need a certain timing. */
const TRIES = 4;
const RESOURCES = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap'];

interface Failure {
  readonly plan: Plan;
  readonly wrong: readonly string[];
}

const answers: Record<string, Record<string, number>> = {};
const excuses: Record<string, number> = {};
const failures: Failure[] = [];
let started = 0;
let current = '';

function count(table: Record<string, number>, name: string): void {
  table[name] = (table[name] ?? 0) + 1;
}

async function run(plan: Plan, isCounted = false): Promise<string[]> {
  const played = await play(plan);
  const { wrong, excused } = await compare(played);
  if (isCounted) note(played, excused);
  return [...broken(played), ...wrong];
}

function note({ proxy, caller }: Played, excused: readonly string[]): void {
  const { toUs, toPeer } = proxy.lanes;
  const row = toUs.log.crossedAt !== undefined && toPeer.log.closedAt !== undefined ? 'both alerts crossed' : 'not both crossed';
  for (const { plan, settled } of caller.calls) count((answers[plan.quiet ? 'quiet' : row] ??= {}), String(settled?.code ?? settled?.value));
  for (const excuse of excused) count(excuses, excuse);
}

async function worker(): Promise<void> {
  while (started < runs && performance.now() < end && failures.length < 20) {
    const plan = values.plan === undefined ? planOf(seed + started) : (JSON.parse(values.plan) as Plan);
    started++;
    current = JSON.stringify(plan);
    const wrong = await run(plan, true);
    if (wrong.length > 0) failures.push({ plan, wrong });
  }
}

async function fails(plan: Plan): Promise<boolean> {
  for (let i = 0; i < TRIES; i++) if ((await run(plan)).length > 0) return true;
  return false;
}

async function shrink(plan: Plan): Promise<Plan> {
  for (const candidate of simpler(plan)) if (await fails(candidate)) return await shrink(candidate);
  return plan;
}

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => RESOURCES.includes(name));
}

/** But for what was open before: this process's own output may be a pipe. */
async function allClosed(): Promise<boolean> {
  const limit = performance.now() + 3000;
  while (openResources().length > openBefore && performance.now() < limit) await turns(10);
  return openResources().length <= openBefore;
}

function print(title: string, counts: Record<string, number>): void {
  const sum = Object.values(counts).reduce((all, each) => all + each, 0);
  console.log(`${title}: ${sum}`);
  for (const [name, each] of Object.entries(counts).sort(([, a], [, b]) => b - a)) console.log(`${String(each).padStart(8)} ${((100 * each) / sum).toFixed(2).padStart(6)} %  ${name}`);
}

console.log(`node ${process.version}, seed ${seed}`);
process.on('uncaughtException', (error) => {
  if (error instanceof Thrown) return void error.caller.uncaught++;
  console.log('an exception that nobody caught; the run begun last is', current, error);
  process.exit(1);
});
const openBefore = openResources().length;
const alive = setInterval(() => {}, 1000); // over a Duplex nothing else keeps the process while a call waits
await Promise.all(Array.from({ length: Math.min(runs, Number(values['at-once'])) }, worker));
const left = (await allClosed()) ? [] : openResources();
console.log(`${started} sequences`);
for (const row of Object.keys(answers).sort()) print(row, answers[row]!);
if (Object.keys(excuses).length > 0) print('lost', excuses);
for (const { plan, wrong } of failures) console.log(`seed ${plan.seed} is WRONG: ${wrong.join('; ')}\n  ${JSON.stringify(plan)}`);
if (left.length > 0) console.log(`left open: ${left.join(', ')}`);
const [first] = failures;
if (first !== undefined && values.plan === undefined) {
  const shrunk = await shrink(first.plan);
  console.log(`seed ${first.plan.seed}, shrunk (${(await run(shrunk)).join('; ') || 'not each time'}):\n  --plan '${JSON.stringify(shrunk)}'`);
}
clearInterval(alive);
console.log(`${failures.length} wrong`);
if (failures.length > 0 || left.length > 0) process.exitCode = 1;
