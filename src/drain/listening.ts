/** A server stops listening, and loses no connection by it. */
import net from 'node:net';
import { inNextTurn } from '../connection/turn.js';
import { stopCheckingConnections } from '../node/http.js';

/** Node's default backlog, twice: where clients never stop coming, the listening stops all the same. */
const MOST_POLLS = 1022;

/** In ms. */
const SHORT_TURN = 0.1;

interface Stopping {
  /** How many connections have come so far. */
  accepted(): number;
  /** `false` when the server has begun to listen anew meanwhile. */
  isWanted(): boolean;
  /** It can't wait. */
  isForced(): boolean;
  /** Called in the turn in which the listening stops: who is told of the drain afterwards, and connects again, is refused at once. Until then clients have no reason to. */
  stopped(): void;
}

/**
 * What the kernel has accepted and we have not taken over is reset when a listening socket is closed. Each poll brings one (libuv 1.46 and later): so not before a
 * whole poll has brought none. What comes between that poll and the close is lost, too: so not in a turn in which the server had much else to do. The longer we wait
 * for a short one, the longer it may be.
 */
export function stopListening(server: net.Server, { accepted, isWanted, isForced, stopped }: Stopping): void {
  const begun = performance.now();
  const look = (before: number, since: number, polls: number): void => {
    const now = performance.now();
    const count = accepted();
    if (isWanted() && server.listening) {
      const isShort = now - since <= Math.max(SHORT_TURN, (now - begun) / 20);
      const waits = (count !== before || !isShort) && polls > 0 && !isForced();
      if (waits) return void inNextTurn(() => look(count, now, polls - 1));
      net.Server.prototype.close.call(server, () => stopCheckingConnections(server)); // that of http destroys idle connections
    }
    stopped();
  };
  inNextTurn(() => look(NaN, begun, MOST_POLLS));
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
