/**
 * The two steps of `SSL_shutdown(3)`.
 *
 * ```
 *   we                                   peer
 *    │ data written before                 │
 *    │ ───────────────────────────────────▶│
 *    │ close_notify + FIN                  │   step 1: sent, value 0 (1 if the peer's alert is in already)
 *    │ ───────────────────────────────────▶│
 *    │                data, then close_notify
 *    │ ◀───────────────────────────────────│   step 2: received, value 1
 * ```
 */
import type { TLSSocket } from 'node:tls';
import { checkSocket, shutdownOptions, type CompleteOptions } from '../arguments.js';
import { answer, type Goal } from '../closure/closure.js';
import { connectionOf, isOfConnection, watchSocket, type Connection } from '../connection/connection.js';
import { inNextTurn } from '../connection/turn.js';
import { abortError, type TlsShutdownError } from '../errors.js';
import { hadTlsError, inHandshake, readSideEnded } from '../node/handle.js';
import type { ShutdownOptions, ShutdownResult, ShutdownReturn, ShutdownState } from '../types.js';
import { Call, conclude, concludeAtTimeout } from './call.js';
import { destroySurely } from './destroying.js';
import { discardAll, discardUnread } from './quiet.js';

/** Step 1: `end()`, but never in a read callback. */
function endLater(connection: Connection): void {
  inNextTurn(() => end(connection));
}

function end(connection: Connection): void {
  if (connection.peer.isBeingJudged) return endLater(connection); // with both sides done Node would destroy the socket before it is judged
  try {
    connection.end();
  } catch (thrown) {
    destroySurely(connection.socket, thrown as Error); // by an application's own method: no alert will leave any more
  }
}

/** The work of one call. An aborted signal has been answered before. */
function begin(socket: TLSSocket, { bidirectional, quiet, timeout, unread, signal }: CompleteOptions): ShutdownResult | Promise<ShutdownResult> {
  const connection = watchSocket(socket, true);
  connection.holdErrors();
  connection.notice();
  const { ours } = connection;
  const isFirst = ours.state === 'open';
  const stepOneDone = ours.isQuiet || ours.isDone;
  const goal: Goal = quiet ? 'quiet' : bidirectional || stepOneDone ? 'both' : 'sent';

  const early = inHandshake(socket) && connection.life === 'alive' && (quiet || !socket.writableEnded);
  if (early) return conclude(connection, 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
  if (unread === 'discard' && !quiet) discardUnread(socket);
  const known = answer(connection.closure, goal);
  if (known !== undefined) return conclude(connection, known);

  if (isFirst) ours.begin(quiet);
  try {
    const call = timeout > 0 ? new Call(connection, goal, quiet || unread === 'discard', timeout, signal) : undefined;
    if (quiet) discardAll(connection); // after that: if an application's own method throws, the call still sees to the end of the socket
    if (quiet && !isFirst) call?.onChange();
    return call?.result ?? concludeAtTimeout(connection, goal);
  } finally {
    if (isFirst) endLater(connection); // also if an application's own method throws: it is queued, and nobody else would do it
  }
}

/**
 * Does one step of the TLS closure of `socket`, or both with `bidirectional`, and says how far it came and why.
 * The same call as `gracefulShutdown`, with its own state and error, which a concurrent call can't overwrite.
 *
 * @throws (rejects) as `gracefulShutdown` does
 * @example
 * const { value, state, error } = await shutdown(socket, { bidirectional: true });
 * if (value === -1) console.log(error?.code, state.received);
 */
export async function shutdown(socket: TLSSocket, options: ShutdownOptions = {}): Promise<ShutdownResult> {
  checkSocket(socket);
  const checked = shutdownOptions(options);
  if (checked.signal?.aborted) throw abortError(checked.signal.reason);
  return begin(socket, checked);
}

/**
 * `SSL_shutdown(3)` for a `tls.TLSSocket`.
 *
 * The first call flushes what was written, sends our `close_notify` and resolves to 0, or to 1 if the peer's is in already. A second call
 * waits for the peer's and resolves to 1. `bidirectional` does both. -1 means that it failed: `getShutdownError(socket)` says why.
 * 1 is proof (`quiet` apart): the peer's authentic alert was seen (RFC 8446 section 6.1); a bare TCP FIN is never taken for it.
 * The socket is not destroyed, `quiet` apart; Node frees it when both sides are done and all data has been read.
 *
 * @param socket a connected socket, client or server; before the handshake is finished the answer is -1 (`ERR_TLS_SHUTDOWN_IN_HANDSHAKE`)
 * @throws (rejects) TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE` for a caller's mistake;
 * `AbortError` (`ABORT_ERR`, `cause` is the reason) when `signal` is aborted
 * @example
 * socket.write('bye\n');
 * if ((await gracefulShutdown(socket, { bidirectional: true })) === -1) console.log(getShutdownError(socket)?.code);
 */
export async function gracefulShutdown(socket: TLSSocket, options: ShutdownOptions = {}): Promise<ShutdownReturn> {
  return (await shutdown(socket, options)).value;
}

/**
 * Both halves of the closure, as `SSL_get_shutdown(3)`. Starts nothing: on a socket that nobody watches it says what Node's public
 * fields tell, and an end whose kind nobody saw is `'unverified'`. At `'end'` of a watched socket without `allowHalfOpen` it may end our side a tick before
 * Node does: our alert is the proof of the peer's. So whoever says a last word in an `'end'` listener says it before asking.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @example
 * socket.once('end', () => console.log(getShutdown(socket).received === 'close_notify' ? 'complete' : 'perhaps cut'));
 */
export function getShutdown(socket: TLSSocket): ShutdownState {
  checkSocket(socket);
  const connection = connectionOf(socket);
  connection?.notice();
  if (connection !== undefined) return connection.state;
  const hadError = hadTlsError(socket);
  const sent = !socket.writableEnded ? 'open' : hadError ? 'lost' : socket.writableFinished ? 'close_notify' : 'queued';
  const failed = hadError || (socket.errored !== null && isOfConnection(socket.errored));
  return { sent, received: failed ? 'error' : readSideEnded(socket) ? 'unverified' : 'open' };
}

/**
 * Why the last call on `socket` ended in -1, as `SSL_get_error(3)`; `undefined` if none did, or a later one came to 0 or 1.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 * @example
 * if ((await gracefulShutdown(socket)) === -1) console.log(getShutdownError(socket)?.message);
 */
export function getShutdownError(socket: TLSSocket): TlsShutdownError | undefined {
  checkSocket(socket);
  return connectionOf(socket)?.lastError;
}
