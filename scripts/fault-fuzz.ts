/**
 * Is what a caller is told true, whatever happens on the path? A proxy that understands TLS records cuts, drops, delays, joins, splits, repeats,
 * reorders, changes and adds what passes, both ways, by a script from a seed. Who judges has the proxy's log and the peer's report, and no code of ours.
 *
 *   node build/scripts/fault-fuzz.js [--runs 10000 | --seconds 60] [--seed N] [--at-once 12] [--plan JSON]
 *
 * A run that fails is shrunk to the fewest faults that still make it fail, and printed as a plan that `--plan` plays again.
 */
import { judge } from '../test/support/fault-oracle.js';
import { planOf, type Plan } from '../test/support/fault-plan.js';
import { play } from '../test/support/fault-run.js';
import { count, fuzz, printCounts, type Counts } from './fuzzer.js';

const table: Record<string, Counts> = {};

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

async function run(plan: Plan, isCounted: boolean): Promise<readonly string[]> {
  const { wrong, row, column } = judge(await play(plan));
  if (isCounted) count((table[row] ??= {}), column);
  return wrong;
}

function print(): void {
  for (const row of Object.keys(table).sort()) printCounts(row, table[row]!);
}

await fuzz({ runs: 'runs', planOf, simpler, run, print });
