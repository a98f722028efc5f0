/** One run of the fault fuzzer as plain data: who talks over what, what the application and the peer do, and what happens on the path. */
import { OPS, isHarmless, type Fault } from './faults.js';
import { LINES } from './lines.js';
import { SIDES, VERSIONS, type Side, type Version } from './pair.js';
import { chance, type Chance } from './random.js';
import { SUITES } from './suites.js';

export const CALLS = [
  'one step, twice',
  'bidirectional',
  'both at once',
  'quiet',
  'one step, then quiet',
  'no time, then bidirectional',
  'aborted, then bidirectional',
  'end() before',
  'end() in data',
  'destroyed meanwhile',
  'unwrap',
] as const;
export const READERS = ['flowing', 'none', 'paused', 'stop and go', 'readable', 'for await'] as const;
/** When the peer ends, and how: by its alert, but for the last three. */
export const PEER_ENDS = ['first', 'answers', 'answers with data', 'answers late', 'never', 'is cut', 'answers by a FIN'] as const;

export interface Plan {
  readonly seed: number;
  readonly kind: string;
  readonly version: Version;
  /** A name of `SUITES`; none for what is common. */
  readonly suite?: string;
  /** The client has a session from an earlier connection. */
  readonly resumed?: boolean;
  /** The most plaintext that either side puts into a record. */
  readonly fragment?: number;
  readonly side: Side;
  readonly watched: 'early' | 'late';
  readonly call: (typeof CALLS)[number];
  readonly when: 'first' | 'between' | 'last';
  readonly reader: (typeof READERS)[number];
  readonly unread: 'keep' | 'discard';
  readonly timeout: number;
  /** Sizes of what our application writes before the call. */
  readonly writes: readonly number[];
  readonly peerWrites: readonly number[];
  readonly peerEnds: (typeof PEER_ENDS)[number];
  /** The peer goes on without TLS: it sends no FIN, but plaintext. */
  readonly peerKeepsOpen: boolean;
  readonly faults: readonly Fault[];
}

/** Node's high-water mark for sockets is 16 KiB on Node 20 and 64 KiB later; what the kernel holds besides does not count. */
const SURELY_BUFFERED = 12_000;
const ENDS_BY_ITSELF: readonly Plan['peerEnds'][] = ['first', 'answers', 'answers with data', 'answers late'];

export function isWrap({ kind }: Pick<Plan, 'kind'>): boolean {
  return kind.startsWith('wrap()');
}

const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);

export function endsByAlert({ peerEnds }: Pick<Plan, 'peerEnds'>): boolean {
  return ENDS_BY_ITSELF.includes(peerEnds);
}

/** Nobody reads, and there may be too much to be read. */
export function mayStandUnread({ reader, peerWrites }: Pick<Plan, 'reader' | 'peerWrites'>): boolean {
  return (reader === 'none' || reader === 'paused') && sum(peerWrites) > SURELY_BUFFERED;
}

function sizes(random: Chance): number[] {
  const largest = random.pick([1, 100, 3000, 20_000, 40_000]);
  return Array.from({ length: random.below(4) }, () => 1 + random.below(largest));
}

function faultOf(random: Chance): Fault {
  const at = random() < 0.35 ? 'alert' : random() < 0.15 ? 'fin' : random.below(4);
  const op = random.pick(OPS);
  // Nobody on the path has our keys.
  return { lane: op === 'fatal alert' || random() < 0.75 ? 'toUs' : 'toPeer', at, op, n: random.below(2 ** 20) };
}

export function planOf(seed: number): Plan {
  const random = chance(seed);
  const kind = random() < 0.4 ? 'TCP' : random.pick(Object.keys(LINES));
  const call = random.pick(isWrap({ kind }) && random() < 0.4 ? (['unwrap'] as const) : CALLS.filter((each) => each !== 'unwrap'));
  const faults = Array.from({ length: random.pick([0, 1, 1, 1, 1, 2, 2, 2, 3, 4]) }, () => faultOf(random));
  const rest = {
    version: random.pick(VERSIONS),
    side: random.pick(SIDES),
    watched: isWrap({ kind }) || random() < 0.7 ? ('early' as const) : ('late' as const),
    when: random.pick(['first', 'between', 'last'] as const),
    // The listener that ends makes the socket flow.
    reader: random.pick(call === 'end() in data' ? (['flowing', 'stop and go'] as const) : READERS),
    unread: random.pick(['keep', 'keep', 'discard'] as const),
    writes: sizes(random),
    peerWrites: sizes(random),
    peerEnds: random.pick([...PEER_ENDS, ...ENDS_BY_ITSELF]),
    peerKeepsOpen: call === 'unwrap' && random() < 0.8,
  };
  const isSure = faults.every(isHarmless) && endsByAlert(rest) && !mayStandUnread(rest) && !(rest.peerEnds !== 'first' && call.includes('quiet'));
  const timeout = isSure ? 6000 : random.pick([15, 40, 100]);
  const suites = Object.keys(SUITES).filter((name) => SUITES[name]!.version === rest.version);
  const keys = { ...(random() < 0.5 && { suite: random.pick(suites) }), ...(random() < 0.3 && { resumed: true }), ...(random() < 0.2 && { fragment: random.pick([512, 1000]) }) };
  return { seed, kind, call, ...rest, ...keys, faults, timeout };
}
