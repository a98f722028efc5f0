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
import { answerNow, atTimeout, conclude } from './answer.js';
import { checkSocket, checkedShutdownOptions } from './arguments.js';
import { clearDeadline, setDeadline, type Waiting } from './deadline.js';
import { destroySurely } from './destroying.js';
import { abortError, type TlsShutdownError } from './errors.js';
import { inHandshake, readSideEnded } from './internals.js';
import type { Goal } from './machine.js';
import type { Observer } from './observers.js';
import { beginQuiet, closeFlushed, discardAll, discardUnread, endLinger } from './quiet.js';
import { inNextTurn } from './turn.js';
import type { ShutdownOptions, ShutdownResult, ShutdownReturn, ShutdownState } from './types.js';
import { watchOf, watchSocket } from './watch.js';
import { Watch } from './watched.js';

const DEFAULT_TIMEOUT = 5000;

/** What this kind of call resolves to. */
type Give<T> = (result: ShutdownResult) => T;
/** That of a promise does not look at the socket. */
type Resolve<T> = (value: T, socket: TLSSocket) => void;

/** One call that waits. */
class Call<T> implements Waiting, Observer {
  /**
   * V8 drops a hidden class with its last instance, and all that it compiled for it; so one of each stays. Without them every burst of
   * 2,000 calls cost 75 ms more of compiling (Node 20).
   */
  static readonly kept = new Call<unknown>(Watch.kept, 'sent', false, Object, Object, Object);

  readonly #watch: Watch;
  readonly #goal: Goal;
  readonly #discards: boolean;
  readonly #give: Give<T>;
  readonly #resolve: Resolve<T>;
  readonly #reject: (error: Error) => void;
  #ended = false;
  /** Aborted: nobody waits for its answer, but the quiet end that it has begun goes on, and this is who sees to it. */
  #lingers = false;
  next: Observer | undefined;
  bucket: Waiting['bucket'];
  place = 0;
  signalled: Waiting['signalled'];

  constructor(watch: Watch, goal: Goal, discards: boolean, give: Give<T>, resolve: Resolve<T>, reject: (error: Error) => void) {
    this.#watch = watch;
    this.#goal = goal;
    this.#discards = discards;
    if (discards) watch.discarding++;
    if (goal === 'quiet') watch.quietCalls++;
    this.#give = give;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  #end(): void {
    this.#ended = true;
    if (this.#discards) this.#watch.discarding--;
    if (this.#goal === 'quiet') this.#watch.quietCalls--;
    clearDeadline(this);
    this.#watch.removeObserver(this);
  }

  onChange(): void {
    if (this.#ended) return;
    const answer = answerNow(this.#watch, this.#goal);
    if (answer !== undefined) {
      this.#end();
      if (!this.#lingers) this.#resolve(this.#give(conclude(this.#watch, answer)), this.#watch.socket);
    } else if (this.#goal === 'quiet') {
      closeFlushed(this.#watch);
    }
  }

  onTimeout(): void {
    this.#end(); // first: a quiet call destroys the socket, which is a change
    if (this.#lingers) endLinger(this.#watch);
    else this.#resolve(this.#give(atTimeout(this.#watch, this.#goal)), this.#watch.socket);
  }

  onAbort(reason: unknown): void {
    if (this.#goal === 'quiet' && this.#watch.quiet) this.#lingers = true;
    else this.#end();
    this.#reject(abortError(reason));
  }
}

/** Step 1 is asked for: `end()`, but never in a read callback (see turn.ts). */
function endLater(watch: Watch): void {
  inNextTurn(end, watch);
}

function end(watch: Watch): void {
  const { socket } = watch;
  if (watch.judging) return endLater(watch); // with both sides done Node would destroy the socket before it is judged
  if (socket.writableEnded || socket.destroyed) return;
  watch.ending = true;
  try {
    socket.end();
  } catch (thrown) {
    destroySurely(socket, thrown as Error); // by an application's own method: no alert will leave any more
  } finally {
    watch.ending = false;
  }
}

/** One call: its answer goes to `resolve`, as soon as it is known and perhaps at once; so within Node's own calls, and `resolve` must not destroy the socket. */
function begin<T>(
  socket: TLSSocket,
  options: ShutdownOptions,
  beginEnd: (watch: Watch) => void,
  give: Give<T>,
  resolve: Resolve<T>,
  reject: (error: Error) => void,
): void {
  const { bidirectional = false, quiet = false, timeout = DEFAULT_TIMEOUT, unread = 'keep', signal } = options;
  const watch = watchSocket(socket, true);
  watch.holdErrors();
  watch.noticeEnd();
  const sentBefore = watch.state.sent;
  const stepOneDone = sentBefore !== 'open' && sentBefore !== 'queued';
  const goal: Goal = quiet ? 'quiet' : bidirectional || stepOneDone ? 'both' : 'sent';

  const early = inHandshake(socket) && !watch.destroyed && (quiet || !socket.writableEnded);
  const answer = early ? 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE' : answerNow(watch, goal);
  if (unread === 'discard' && !quiet && !early) discardUnread(socket);
  if (answer !== undefined) return resolve(give(conclude(watch, answer)), socket);

  const begins = sentBefore === 'open' && !watch.quiet;
  if (begins && quiet) beginQuiet(watch);
  else if (begins) watch.apply('end');
  let call: Call<T> | undefined;
  try {
    if (timeout > 0) {
      call = new Call(watch, goal, quiet || unread === 'discard', give, resolve, reject);
      watch.addObserver(call);
      setDeadline(call, timeout, signal);
    }
    if (quiet) discardAll(watch); // last: if an application's own method throws, the call still sees to the end of the socket
  } finally {
    if (begins) beginEnd(watch); // also if an application's own method throws: it is queued, and nobody else would do it
  }
  if (call === undefined) resolve(give(atTimeout(watch, goal)), socket);
  else if (quiet && stepOneDone) call.onChange();
}

type Settle = (value: unknown) => void;
let latestResolve: Settle, latestReject: Settle;

/**
 * One executor for all promises. V8 keeps what it compiled of a function only as long as it lives: that of an arrow function for each call
 * is compiled anew after every garbage collection that finds no call waiting, 2 ms of CPU each time (Node 20 to 26).
 */
function keepSettlers(resolve: Settle, reject: Settle): void {
  latestResolve = resolve;
  latestReject = reject;
}

function start<T>(socket: TLSSocket, options: ShutdownOptions, give: Give<T>): Promise<T> {
  const promise = new Promise(keepSettlers) as Promise<T>;
  const [resolve, reject] = [latestResolve, latestReject];
  try {
    checkSocket(socket);
    const checked = checkedShutdownOptions(options);
    if (checked.signal?.aborted) throw abortError(checked.signal.reason);
    begin(socket, checked, endLater, give, resolve, reject);
  } catch (error) {
    reject(error);
  }
  return promise;
}

const itself = (result: ShutdownResult): ShutdownResult => result;
const unreachable = (): void => {};
const valueOf = (result: ShutdownResult): ShutdownReturn => result.value;

/**
 * Does one step of the TLS closure of `socket`, or both with `bidirectional`, and says how far it came and why.
 * The same call as `gracefulShutdown`, with its own state and error, which a concurrent call can't overwrite.
 *
 * @throws (rejects) as `gracefulShutdown` does
 */
export function shutdown(socket: TLSSocket, options: ShutdownOptions = {}): Promise<ShutdownResult> {
  return start(socket, options, itself);
}

/**
 * The same without a promise and without checks, for thousands of sockets at a time; not to be called in a read callback. `onResult` may be called at
 * once, or within Node's own calls: it must not destroy the socket. With a `signal` nothing would tell of an abort.
 *
 * @internal
 */
export function shutdownThen(socket: TLSSocket, options: Omit<ShutdownOptions, 'signal'>, onResult: (result: ShutdownResult, socket: TLSSocket) => void): void {
  begin(socket, options, end, itself, onResult, unreachable);
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
 */
export function gracefulShutdown(socket: TLSSocket, options: ShutdownOptions = {}): Promise<ShutdownReturn> {
  return start(socket, options, valueOf);
}

/**
 * Both halves of the closure, as `SSL_get_shutdown(3)`. Starts nothing: on a socket that nobody watches it says what Node's public
 * fields tell, and an end whose kind nobody saw is `'unverified'`.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 */
export function getShutdown(socket: TLSSocket): ShutdownState {
  checkSocket(socket);
  const watch = watchOf(socket);
  watch?.noticeEnd();
  if (watch !== undefined) return watch.state;
  const sent = socket.writableFinished ? 'close_notify' : socket.writableEnded ? 'queued' : 'open';
  return { sent, received: socket.errored ? 'error' : readSideEnded(socket) ? 'unverified' : 'open' };
}

/**
 * Why the last call on `socket` ended in -1, as `SSL_get_error(3)`; `undefined` if none did, or a later one came to 0 or 1.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 */
export function getShutdownError(socket: TLSSocket): TlsShutdownError | undefined {
  checkSocket(socket);
  return watchOf(socket)?.lastError;
}
