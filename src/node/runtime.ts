/**
 * Whether this is Node. Bun and Deno have Node's API on TLS layers of their own. Some of their fields have the names of Node's, and another meaning. So nothing
 * is asked of a handle there: no end of the peer's can be proved, and of our own alert only `'finish'` tells. scripts/other-runtimes.ts tries them.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `bun`, a version of the process | it is Bun | Bun 0.1 | taken for Node |
 * | `deno`, the same | it is Deno | Deno 1 | taken for Node |
 */
import { isInstance } from '../arguments.js';
import { loaded } from '../builtins.js';

const { bun, deno, node } = process.versions as { readonly node: string; readonly bun?: string; readonly deno?: string };

const RUNTIME = bun !== undefined ? 'Bun' : deno !== undefined ? 'Deno' : 'Node';

export const IS_NODE = RUNTIME === 'Node';

/** An end that came before our alert left may be that of a reset. The kernel is asked. */
export const TELLS_RESETS_AS_ENDS = RUNTIME === 'Deno';

/** An `end()` in the handshake sends its alert when that is finished. Node and Bun send none. */
export const SENDS_BEHIND_HANDSHAKE = RUNTIME === 'Deno';

/** With its version, for messages. */
const NAME = `${RUNTIME} ${bun ?? deno ?? node}`;

/** Why a preload finds no servers. */
export const HIDES_SERVERS = RUNTIME === 'Bun' ? `${NAME} does not tell when a server listens, so this preload can drain none there. Call drainable() and drainOnSignal()` : undefined;

/** Why `server` can't be watched or drained, if it is one of HTTP that is no `net.Server`, as in Bun. */
export function unsupported(server: unknown, what: string): Error | undefined {
  if (!isInstance(server, loaded.http.Server) && !isInstance(server, loaded.https.Server)) return undefined;
  const message = `${NAME} can't ${what} a server of node:http or node:https: it is no net.Server there, and does not tell of its connections`;
  return Object.assign(new TypeError(message), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' });
}
