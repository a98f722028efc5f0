/** One sequence of calls as plain data: whose socket, over what, what its peer does, and what the caller does with it, step by step. */
import { isHarmless, OPS, type Fault } from '../../test/support/faults.js';
import { LINES } from '../../test/support/lines.js';
import { SIDES, VERSIONS, type Side, type Version } from '../../test/support/pair.js';
import { chance, type Chance } from '../../test/support/random.js';
import { ACTIONS, type Action } from './actions.js';

/** When a step is done: `now` is within the step before. Of the others that never come, a step waits some turns. */
export const MOMENTS = ['now', 'a tick later', 'a microtask later', 'turns later', 'in data', "in 'end'", "in 'finish'", 'in a write callback', 'in an answer'] as const;
export type Moment = (typeof MOMENTS)[number];

/** A call of ours. */
export interface CallPlan {
  readonly how: 'shutdown' | 'gracefulShutdown' | 'unwrap';
  readonly bidirectional: boolean;
  readonly quiet: boolean;
  /** `null` stands for Infinity, which JSON has not. */
  readonly timeout: number | null;
  readonly unread: 'keep' | 'discard';
  /** Aborted: never, before the call, or so many turns after it. */
  readonly abort: 'never' | 'before' | number;
}

export interface Step {
  readonly moment: Moment;
  readonly action: Action;
  /** How much, which one, how many turns. */
  readonly n: number;
  readonly call?: CallPlan;
}

export const PEER_ENDS = ['first', 'answers', 'answers with data', 'answers late', 'never', 'is cut', 'answers by a FIN'] as const;

export interface Plan {
  readonly seed: number;
  readonly kind: string;
  readonly version: Version;
  readonly side: Side;
  readonly watched: 'early' | 'late';
  readonly steps: readonly Step[];
  readonly peerWrites: readonly number[];
  readonly peerEnds: (typeof PEER_ENDS)[number];
  /** The peer goes on without TLS: no FIN of its own. */
  readonly peerKeepsOpen: boolean;
  /** When the peer's records come: joined, split, late. */
  readonly path: readonly Fault[];
}

export function isWrap({ kind }: Pick<Plan, 'kind'>): boolean {
  return kind.startsWith('wrap()');
}

function sizes(random: Chance): number[] {
  const largest = random.pick([1, 100, 3000, 20_000, 40_000]);
  return Array.from({ length: random.below(4) }, () => 1 + random.below(largest));
}

function callOf(random: Chance, kind: string): CallPlan {
  const how = isWrap({ kind }) && random() < 0.4 ? 'unwrap' : random() < 0.8 ? 'shutdown' : 'gracefulShutdown';
  return {
    how,
    bidirectional: how === 'unwrap' || random() < 0.5,
    quiet: how !== 'unwrap' && random() < 0.08,
    timeout: random.pick([0, 15, 40, 40, 100, 100, 400, null]),
    unread: random() < 0.15 ? 'discard' : 'keep',
    abort: random.pick(['never', 'never', 'never', 'never', 'never', 'before', random.below(12)] as const),
  };
}

/** A third of the steps are ours. What ends a sequence for good is rare, or there would be little else. */
function actionOf(random: Chance): Action {
  if (random() < 0.34) return 'call';
  const names = Object.keys(ACTIONS) as Action[];
  const rare = (name: Action): boolean => /destroy|dispose|finished/.test(name);
  return random.pick(names.filter((name) => name !== 'call' && (!rare(name) || random() < 0.4)));
}

/** Over a `Duplex` that pushes within a read, a throw there can leave Node 20 with a stack of async ids that makes it abort, without us too. */
function endsNode20(action: Action, kind: string): boolean {
  return action === 'throw in a read' && kind.endsWith('Duplex');
}

function stepOf(random: Chance, kind: string): Step {
  let action = actionOf(random);
  if (endsNode20(action, kind)) action = 'read';
  const step = { moment: random() < 0.3 ? 'now' : random.pick(MOMENTS), action, n: random.below(2 ** 20) } as const;
  return action === 'call' ? { ...step, call: callOf(random, kind) } : step;
}

function faultOf(random: Chance): Fault {
  const ops = OPS.filter((op) => isHarmless({ op } as Fault));
  return { lane: 'toUs', at: random() < 0.4 ? 'alert' : random.below(4), op: random.pick(ops), n: random.below(2 ** 20) };
}

export function planOf(seed: number): Plan {
  const random = chance(seed);
  const kind = random() < 0.4 ? 'TCP' : random.pick(Object.keys(LINES));
  return {
    seed,
    kind,
    version: random.pick(VERSIONS),
    side: random.pick(SIDES),
    watched: random() < 0.7 ? 'early' : 'late',
    steps: Array.from({ length: 1 + random.below(random.pick([4, 8, 14])) }, () => stepOf(random, kind)),
    peerWrites: sizes(random),
    peerEnds: random.pick([...PEER_ENDS, 'first', 'answers', 'answers with data', 'answers late'] as const),
    peerKeepsOpen: isWrap({ kind }) && random() < 0.7,
    path: Array.from({ length: random.pick([0, 0, 1, 2]) }, () => faultOf(random)),
  };
}

/** Simpler by one thing each. */
export function* simpler(plan: Plan): Generator<Plan> {
  for (const i of plan.steps.keys()) yield { ...plan, steps: plan.steps.toSpliced(i, 1) };
  for (const i of plan.path.keys()) yield { ...plan, path: plan.path.toSpliced(i, 1) };
  for (const i of plan.peerWrites.keys()) yield { ...plan, peerWrites: plan.peerWrites.toSpliced(i, 1) };
  for (const [i, step] of plan.steps.entries()) if (!['now', 'turns later'].includes(step.moment)) yield { ...plan, steps: plan.steps.with(i, { ...step, moment: 'turns later' }) };
  if (plan.kind !== 'TCP' && !plan.steps.some(({ call }) => call?.how === 'unwrap')) yield { ...plan, kind: 'TCP' };
  if (plan.watched === 'late') yield { ...plan, watched: 'early' };
}
