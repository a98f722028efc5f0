/**
 * Is what a caller is told true, whatever happens on the path? A proxy that understands TLS records cuts, drops, delays, joins, splits, repeats,
 * reorders, changes and adds what passes, both ways, by a script from a seed. Who judges has the proxy's log and the peer's report, and no code of ours.
 *
 *   node build/scripts/fault-fuzz.js [--runs 10000 | --seconds 60] [--seed N] [--at-once 12] [--plan JSON]
 *
 * A run that fails is shrunk to the fewest faults that still make it fail, and printed as a plan that `--plan` plays again.
 */
import { parseArgs } from 'node:util';
import { judge, type Judgement } from '../test/support/fault-oracle.js';
import { planOf, type Plan } from '../test/support/fault-plan.js';
import { play } from '../test/support/fault-run.js';
import { turns } from '../test/support/pair.js';

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

const table: Record<string, Record<string, number>> = {};
const failures: Failure[] = [];
let started = 0;
let current = '';

async function run(plan: Plan): Promise<Judgement> {
  return judge(await play(plan));
}

async function worker(): Promise<void> {
  while (started < runs && performance.now() < end && failures.length < 20) {
    const plan = values.plan === undefined ? planOf(seed + started) : (JSON.parse(values.plan) as Plan);
    started++;
    current = JSON.stringify(plan);
    const { wrong, row, column } = await run(plan);
    if (values['at-once'] === '1' && !(await allClosed())) (wrong as string[]).push(`left open: ${openResources().join(', ')}`);
    if (wrong.length > 0) failures.push({ plan, wrong });
    const counts = (table[row] ??= {});
    counts[column] = (counts[column] ?? 0) + 1;
  }
}

async function fails(plan: Plan): Promise<boolean> {
  for (let i = 0; i < TRIES; i++) if ((await run(plan)).wrong.length > 0) return true;
  return false;
}

/** Simpler by one thing each. */
function* simpler(plan: Plan): Generator<Plan> {
  for (const i of plan.faults.keys()) yield { ...plan, faults: plan.faults.toSpliced(i, 1) };
  for (const i of plan.peerWrites.keys()) yield { ...plan, peerWrites: plan.peerWrites.toSpliced(i, 1) };
  for (const i of plan.writes.keys()) yield { ...plan, writes: plan.writes.toSpliced(i, 1) };
  if (plan.call !== 'bidirectional' && plan.call !== 'unwrap') yield { ...plan, call: 'bidirectional' };
  if (plan.reader !== 'flowing') yield { ...plan, reader: 'flowing' };
  if (plan.kind !== 'TCP' && plan.call !== 'unwrap') yield { ...plan, kind: 'TCP' };
  if (plan.watched === 'late') yield { ...plan, watched: 'early' };
  if (plan.unread === 'discard') yield { ...plan, unread: 'keep' };
  for (const key of ['suite', 'resumed', 'fragment'] as const) if (key in plan) yield Object.fromEntries(Object.entries(plan).filter(([name]) => name !== key)) as unknown as Plan;
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

function print(): void {
  for (const row of Object.keys(table).sort()) {
    const counts = Object.entries(table[row]!).sort(([, a], [, b]) => b - a);
    const sum = counts.reduce((all, [, count]) => all + count, 0);
    console.log(`${row}: ${sum}`);
    for (const [column, count] of counts) console.log(`${String(count).padStart(8)} ${((100 * count) / sum).toFixed(2).padStart(6)} %  ${column}`);
  }
}

console.log(`node ${process.version}, seed ${seed}`);
process.on('uncaughtException', (error) => {
  console.log('an exception that nobody caught; the run begun last is', current, error);
  process.exit(1);
});
const openBefore = openResources().length;
const alive = setInterval(() => {}, 1000); // over a Duplex nothing else keeps the process while a call waits
await Promise.all(Array.from({ length: Math.min(runs, Number(values['at-once'])) }, worker));
const left = (await allClosed()) ? [] : openResources();
console.log(`${started} runs`);
print();
for (const { plan, wrong } of failures) console.log(`seed ${plan.seed} is WRONG: ${wrong.join('; ')}\n  ${JSON.stringify(plan)}`);
if (left.length > 0) console.log(`left open: ${left.join(', ')}`);
const [first] = failures;
if (first !== undefined && values.plan === undefined) {
  const shrunk = await shrink(first.plan);
  console.log(`seed ${first.plan.seed}, shrunk (${(await run(shrunk)).wrong.join('; ') || 'not each time'}):\n  --plan '${JSON.stringify(shrunk)}'`);
}
clearInterval(alive);
console.log(`${failures.length} wrong`);
if (failures.length > 0 || left.length > 0) process.exitCode = 1;
