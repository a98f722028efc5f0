/**
 * Is what a caller is told true, and is his socket as he left it, whatever he does with it? Random sequences of legal calls on one socket: reading in all ways,
 * writing, ending, destroying, listeners that throw, methods replaced, and all calls of ours with all options. The peer is honest, and ends in several ways.
 * The pure tables of `src/closure/` say what may be answered; what crossed, and the same sequence on a socket of plain Node, say what may be read, heard and lost.
 *
 *   node build/scripts/caller-fuzz.js [--runs 10000 | --seconds 60] [--seed N] [--at-once 12] [--plan JSON]
 *
 * A sequence that fails is shrunk to the fewest steps that still fail, and printed as a plan that `--plan` plays again.
 */
import { Thrown } from './caller-fuzz/caller.js';
import { broken } from './caller-fuzz/laws.js';
import { play, type Played } from './caller-fuzz/play.js';
import { planOf, simpler, type Plan } from './caller-fuzz/plan.js';
import { compare } from './caller-fuzz/twin.js';
import { count, fuzz, printCounts, type Counts } from './fuzzer.js';

const answers: Record<string, Counts> = {};
const excuses: Counts = {};

async function run(plan: Plan, isCounted: boolean): Promise<readonly string[]> {
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

function print(): void {
  for (const row of Object.keys(answers).sort()) printCounts(row, answers[row]!);
  if (Object.keys(excuses).length > 0) printCounts('lost', excuses);
}

function isPlanned(error: Error): boolean {
  if (error instanceof Thrown) error.caller.uncaught++;
  return error instanceof Thrown;
}

await fuzz({ runs: 'sequences', planOf, simpler, run, print, isPlanned });
