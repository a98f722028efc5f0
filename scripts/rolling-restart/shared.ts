/** What servers and clients of the rolling restart test agree on. */
import { createRequire } from 'node:module';

const SMALL = Buffer.alloc(100, 's');
const LARGE = Buffer.alloc(100_000, 'l');

/** One in five is large: more than one record, and often more than one write. */
export const PATHS = ['/small/1', '/small/2', '/small/3', '/small/4', '/large'] as const;

export function bodyOf(path: string): Buffer {
  return path.startsWith('/large') ? LARGE : SMALL;
}

/** A package of `bench/package.json`. */
export function fromBench(name: string): unknown {
  return createRequire(new URL('../../../bench/package.json', import.meta.url))(name);
}

/** What one load generator has seen, cumulative. */
export interface Tally {
  requests: number;
  /** Not answered, or not wholly. */
  failed: number;
  /** Of those, answered by a reset. */
  resets: number;
  /** Connections that the server ended by a bare FIN. */
  unexpectedEof: number;
  /** HTTP/2 requests that a server refused, or that never left the client, and that were sent again: no server has acted on them. */
  refused: number;
  connections: number;
  /** Reasons, and how often. */
  reasons: Record<string, number>;
}

export const emptyTally = (): Tally => ({ requests: 0, failed: 0, resets: 0, unexpectedEof: 0, refused: 0, connections: 0, reasons: {} });
