/** What the fuzzers that play plans have in common: their options, several runs at once, the shrinking of a failure, and what they print. */
import { parseArgs } from 'node:util';
import { turns } from '../test/support/pair.js';

export type Counts = Record<string, number>;

export interface Fuzzed<P extends { readonly seed: number }> {
  /** What a plan is called. */
  readonly runs: string;
  planOf(seed: number): P;
  /** The same plan, simpler by one thing each. */
  simpler(plan: P): Iterable<P>;
  /** Plays it. @returns what is wrong */
  run(plan: P, isCounted: boolean): Promise<readonly string[]>;
  print(): void;
  /** Whether an exception that nobody caught belongs to a plan. */
  isPlanned?(error: Error): boolean;
}

/** A failure may need a certain timing. */
const TRIES = 4;
const RESOURCES = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap'];

export function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

export function printCounts(title: string, counts: Counts): void {
  const sum = Object.values(counts).reduce((all, each) => all + each, 0);
  console.log(`${title}: ${sum}`);
  for (const [name, each] of Object.entries(counts).sort(([, a], [, b]) => b - a)) console.log(`${String(each).padStart(8)} ${((100 * each) / sum).toFixed(2).padStart(6)} %  ${name}`);
}

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => RESOURCES.includes(name));
}

/** But for what was open before: this process's own output may be a pipe. */
async function allClosed(before: number): Promise<boolean> {
  const limit = performance.now() + 3000;
  while (openResources().length > before && performance.now() < limit) await turns(10);
  return openResources().length <= before;
}

export async function fuzz<P extends { readonly seed: number }>(fuzzed: Fuzzed<P>): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' }, 'at-once': { type: 'string', default: '12' }, plan: { type: 'string' } } });
  const given = values.plan === undefined ? undefined : (JSON.parse(values.plan) as P);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
  const end = values.seconds === undefined ? Infinity : performance.now() + 1000 * Number(values.seconds);
  const runs = given !== undefined ? 1 : Number(values.runs ?? (values.seconds === undefined ? 10_000 : Infinity));
  const atOnce = Math.min(runs, Number(values['at-once']));
  const failures: { readonly plan: P; readonly wrong: readonly string[] }[] = [];
  let started = 0;
  let current = '';

  const worker = async (): Promise<void> => {
    while (started < runs && performance.now() < end && failures.length < 20) {
      const plan = given ?? fuzzed.planOf(seed + started);
      started++;
      current = JSON.stringify(plan);
      const wrong = [...(await fuzzed.run(plan, true))];
      if (atOnce === 1 && !(await allClosed(openBefore))) wrong.push(`left open: ${openResources().join(', ')}`);
      if (wrong.length > 0) failures.push({ plan, wrong });
    }
  };
  const fails = async (plan: P): Promise<boolean> => {
    for (let i = 0; i < TRIES; i++) if ((await fuzzed.run(plan, false)).length > 0) return true;
    return false;
  };
  const shrink = async (plan: P): Promise<P> => {
    for (const candidate of fuzzed.simpler(plan)) if (await fails(candidate)) return await shrink(candidate);
    return plan;
  };

  console.log(`node ${process.version}, seed ${seed}`);
  process.on('uncaughtException', (error) => {
    if (fuzzed.isPlanned?.(error) === true) return;
    console.log('an exception that nobody caught; the run begun last is', current, error);
    process.exit(1);
  });
  const openBefore = openResources().length;
  const alive = setInterval(() => {}, 1000); // over a Duplex nothing else keeps the process while a call waits
  await Promise.all(Array.from({ length: atOnce }, worker));
  const left = (await allClosed(openBefore)) ? [] : openResources();
  console.log(`${started} ${fuzzed.runs}`);
  fuzzed.print();
  for (const { plan, wrong } of failures) console.log(`seed ${plan.seed} is WRONG: ${wrong.join('; ')}\n  ${JSON.stringify(plan)}`);
  if (left.length > 0) console.log(`left open: ${left.join(', ')}`);
  const [first] = failures;
  if (first !== undefined && given === undefined) {
    const shrunk = await shrink(first.plan);
    console.log(`seed ${first.plan.seed}, shrunk (${(await fuzzed.run(shrunk, false)).join('; ') || 'not each time'}):\n  --plan '${JSON.stringify(shrunk)}'`);
  }
  clearInterval(alive);
  console.log(`${failures.length} wrong`);
  if (failures.length > 0 || left.length > 0) process.exitCode = 1;
}
