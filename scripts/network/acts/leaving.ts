/** What is left in a process when all its connections are over: it should be nothing. */
import { readdirSync, readlinkSync } from 'node:fs';
import { collect } from '../../../test/support/gc.js';
import { made } from './sockets.js';

const RESOURCES = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap'];

export interface Left {
  /** Handles of Node's that are still active. */
  readonly handles: string[];
  /** Descriptors of sockets, more than before the first one was made. */
  readonly descriptors: number;
  /** Sockets that the garbage collector could not free, of all that were made. */
  readonly uncollected: number;
  readonly made: number;
}

const active = (): string[] => process.getActiveResourcesInfo().filter((name) => RESOURCES.includes(name));

function openSockets(): number {
  const targets = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ''; // that of the folder itself
    }
  });
  return targets.filter((target) => target.startsWith('socket:')).length;
}

/** What the process has before it makes any: the channel. */
const openBefore = openSockets();
const uncollected = (): number => made.filter((reference) => reference.deref() !== undefined).length;

export async function left(_none: undefined): Promise<Left> {
  await collect(() => active().length === 0 && uncollected() === 0);
  return { handles: active(), descriptors: openSockets() - openBefore, uncollected: uncollected(), made: made.length };
}
