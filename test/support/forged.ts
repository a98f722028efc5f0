/** Our socket over each kind of transport, with a forger as its peer. */
import { Forger } from './forger.js';
import { LINES, type Early, type Lined } from './lines.js';
import type { Side, Version } from './pair.js';

export type { Early };
export interface Forged extends Lined<Forger> {
  readonly forger: Forger;
}

type Make = (version: Version, side: Side, early: Early) => Promise<Forged>;

function make(kind: string): Make {
  return async (version, side, early) => {
    const lined = await LINES[kind]!(version, side, early, (line) => new Forger(line, version, side === 'client' ? 'server' : 'client'));
    return { ...lined, forger: lined.far };
  };
}

export const FORGED: Readonly<Record<string, Make>> = Object.fromEntries(Object.keys(LINES).map((kind) => [kind, make(kind)]));
