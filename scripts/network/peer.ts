/** peer.py, started at one end of the link. */
import { once } from 'node:events';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Version } from '../../test/support/pair.js';
import type { Got } from './bytes.js';
import { start } from './end.js';
import { ADDRESSES, type Place } from './link.js';

const file = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const certificate = { key: file('fixtures/localhost.key.pem'), cert: file('fixtures/localhost.cert.pem') };

export interface PeerPlan {
  readonly version: Version;
  readonly behaviour: 'answers' | 'first' | 'cuts' | 'cuts first' | 'unwraps' | 'asks';
  readonly name: string;
  readonly length: number;
  /** Undefined: it listens. */
  readonly port?: number;
}

export interface PeerTold {
  /** What Python's ssl says of the end of what it got. */
  readonly end: string;
  readonly got: Got;
  readonly plain?: Got;
  /** Paths. */
  readonly answered?: string[];
}

export interface Peer {
  /** Where it listens. */
  readonly port: number | undefined;
  readonly told: Promise<PeerTold>;
}

export async function startPeer({ port: theirs, ...plan }: PeerPlan): Promise<Peer> {
  const isServer = theirs === undefined;
  const place: Place = isServer ? 'far' : 'near';
  const whole = { ...plan, role: isServer ? 'server' : 'client', host: ADDRESSES.far, port: theirs, certificate };
  const child = start(place, ['python3', file('scripts/network/peer.py'), JSON.stringify(whole)], false);
  const lines = readline.createInterface(child.stdout!)[Symbol.asyncIterator]();
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`peer.py has ended with ${(await exited)[0]}, ${JSON.stringify(whole)}`);
    return value as string;
  };
  const port = isServer ? Number(await line()) : undefined;
  const told = line().then((text) => JSON.parse(text) as PeerTold);
  told.catch(() => {}); // whoever waits for it is told, but perhaps not yet
  return { port, told };
}
