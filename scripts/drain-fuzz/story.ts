/** What a client did and was told, for the oracle. */
import type { DrainReport } from '../../src/index.js';
import type { Seen } from './servers.js';
import type { Wire } from './wire.js';

export type Outcome = 'complete' | 'oneWay' | 'failed' | 'forced';

/** What is wrong. */
export type Fault = string;

export interface Story {
  readonly wire: Wire;
  /** It broke the protocol, left a request unfinished, or waits for what never comes: what becomes of it is not promised. */
  unruly: boolean;
  /** Its protocol is not known to the drain. */
  readonly isForeign: boolean;
  /** What a client without faults was promised, and did not get. `finishes`: the drain has a `finish`. */
  faults(seen: Seen, finishes: boolean): Fault[];
  /** For the log of a failing seed. */
  toString(): string;
}

/** What the outcomes of a drain depend on. */
export interface Terms {
  readonly version: unknown;
  readonly quiet: boolean;
  readonly finish: string | undefined;
}

/** How the server may count this connection, if nothing forces it. */
export function mayBe({ wire, unruly, isForeign }: Story, { version, quiet, finish }: Terms): Outcome[] {
  const isTls = version !== undefined;
  if (wire.left === 'half' && isTls && !quiet) return ['oneWay', 'failed'];
  if (wire.left !== undefined || unruly) return ['complete', 'oneWay', 'failed'];
  if (isForeign && finish === 'fails') return ['failed'];
  if (quiet && isTls) return ['complete'];
  if (wire.habit === 'silent') return ['failed'];
  if (wire.habit === 'lax' && isTls) return ['oneWay'];
  return ['complete'];
}

export function sumOf({ complete, oneWay, failed, forced }: Pick<DrainReport, Outcome>): number {
  return complete + oneWay + failed + forced;
}
