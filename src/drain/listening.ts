/** A server stops listening, and loses no connection by it. */
import net from 'node:net';
import { inNextTurn } from '../connection/turn.js';
import { stopCheckingConnections } from '../node/http.js';

/** Node's default backlog, twice: where clients never stop coming, the listening stops all the same. */
const MOST_POLLS = 1022;

/**
 * What the kernel has accepted and we have not taken over would be reset. Each poll brings one (libuv 1.46 and later): so not before a whole poll has brought
 * none. Calls `stopped` in the same turn: who is told of the drain afterwards, and connects again, is refused at once. Until then clients have no reason to.
 *
 * @param accepted how many connections have come so far
 * @param isWanted `false` when the server has begun to listen anew meanwhile
 */
export function stopListening(server: net.Server, accepted: () => number, isWanted: () => boolean, stopped: () => void): void {
  const look = (before: number, polls: number): void => {
    const now = accepted();
    if (isWanted() && server.listening) {
      if (now !== before && polls > 0) return void inNextTurn(() => look(now, polls - 1));
      net.Server.prototype.close.call(server, () => stopCheckingConnections(server)); // that of http destroys idle connections
    }
    stopped();
  };
  inNextTurn(() => look(NaN, MOST_POLLS));
}

interface Closing {
  close: net.Server['close'];
  closeIdleConnections?: () => void;
}

/**
 * During a drain the program's own `close()`, of a framework's handler of signals, say, destroys nothing, and its callback comes behind the drain.
 *
 * @returns takes it back
 */
export function holdClose(server: net.Server, drained: Promise<unknown>): () => void {
  const closing = server as net.Server & Closing;
  const close: net.Server['close'] = (callback) => {
    if (typeof callback === 'function') void drained.then(() => inNextTurn(() => callback.call(server))); // behind whoever awaits the drain
    return server;
  };
  const giveBack = [put(closing, 'close', close)];
  if (typeof closing.closeIdleConnections === 'function') giveBack.push(put(closing, 'closeIdleConnections', () => {}));
  return () => giveBack.forEach((back) => back());
}

/** Puts a method in front of what is there. @returns takes it back, unless somebody has put another one there */
function put<K extends keyof Closing>(server: Closing, name: K, method: Closing[K]): () => void {
  const own = Object.getOwnPropertyDescriptor(server, name);
  server[name] = method;
  return () => {
    if (server[name] !== method) return;
    if (own === undefined) Reflect.deleteProperty(server, name);
    else Object.defineProperty(server, name, own);
  };
}
