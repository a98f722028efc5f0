/** Our socket over each kind of transport, with a forger as its peer. */
import type { Duplex } from 'node:stream';
import { Forger } from './forger.js';
import { LINES, type Early, type Lined } from './lines.js';
import type { Side, Version } from './pair.js';
import type { Suite } from './suites.js';

export type { Early };
export interface Forged extends Lined<Forger> {
  readonly forger: Forger;
}

/** Both sides are limited to `suite`, if one is given. */
type Make = (version: Version, side: Side, early: Early, suite?: Suite) => Promise<Forged>;

function make(kind: string): Make {
  return async (version, side, early, suite) => {
    const makeForger = (line: Duplex): Forger => new Forger(line, version, side === 'client' ? 'server' : 'client', undefined, suite);
    const lined = await LINES[kind]!(version, side, early, makeForger, suite && { suite });
    return { ...lined, forger: lined.far };
  };
}

export const FORGED: Readonly<Record<string, Make>> = Object.fromEntries(Object.keys(LINES).map((kind) => [kind, make(kind)]));
