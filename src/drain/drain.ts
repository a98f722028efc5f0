/**
 * One drain under way, of whatever kind: it knows each connection from the moment it is added until it has ended, counts how, and forces what is
 * left at the end of `grace`.
 */
import type { Duplex } from 'node:stream';
import { MAX_TIMEOUT, isTLSSocket, type CompleteDrainOptions } from '../arguments.js';
import { inNextTurn } from '../connection/turn.js';
import type { ShutdownErrorCode } from '../errors.js';
import { inHandshake } from '../node/handle.js';
import { destroySurely } from '../shutdown/destroying.js';
import type { DrainOptions, DrainProgress, DrainReport } from '../types.js';
import { end, failedByFinish, type Ending } from './ending.js';
import { sayGoodbye } from './goodbye.js';
import { IdleWaits } from './idle.js';
import { whenRead } from './reader.js';
import { Slices } from './slices.js';

type Outcome = 'complete' | 'oneWay' | 'failed' | 'forced';

/** A socket, with TLS or without, or the transport of one whose handshake is not finished. */
export type Connection = Duplex;

export class Drain {
  readonly report: Promise<DrainReport>;
  readonly #options: CompleteDrainOptions;
  readonly #idleWaits: IdleWaits;
  #resolve!: (report: DrainReport) => void;
  readonly #start = performance.now();
  #total = 0;
  /** Each with whether it is still in its handshake. */
  readonly #remaining = new Map<Connection, boolean>();
  readonly #counts = { complete: 0, oneWay: 0, failed: 0, forced: 0 };
  readonly #errors: Partial<Record<ShutdownErrorCode, number>> = {};
  readonly #finishErrors = new Map<Connection, unknown>();
  #sealed = false;
  /** The report is given. */
  isOver = false;
  /** What comes is destroyed at once. */
  isForced = false;
  readonly #beforeForce: (() => void) | undefined;
  #expiry = Infinity;
  #timer: NodeJS.Timeout | undefined;
  readonly #signals = new Set<AbortSignal>();
  readonly #slices = new Slices();
  readonly #listeners = new Set<(progress: DrainProgress) => void>();
  #changed = false;

  /** `onForced` is called before what is left is destroyed. */
  constructor(options: CompleteDrainOptions, onForced?: () => void) {
    this.#options = options;
    const { grace, idleGrace, forces, listeners } = options;
    this.#idleWaits = new IdleWaits(idleGrace);
    this.#beforeForce = onForced;
    this.report = new Promise((resolve) => (this.#resolve = resolve));
    for (const listener of listeners) this.#listeners.add(listener);
    this.#setTimer();
    this.#expireAt(performance.now() + grace);
    for (const force of forces) this.#forceBy(force);
  }

  get isQuiet(): boolean {
    return this.#options.quiet;
  }

  /** Another call for the same drain: its `grace` and `force` can end it sooner, and its `onProgress` is called too. The rest was decided by the first. */
  join({ grace = Infinity, force, onProgress }: DrainOptions): void {
    if (this.isOver) return;
    if (onProgress !== undefined) this.#listeners.add(onProgress);
    this.#expireAt(performance.now() + grace);
    if (force !== undefined) this.#forceBy(force);
  }

  #forceBy(signal: AbortSignal): void {
    if (signal.aborted) return this.force();
    this.#signals.add(signal);
    signal.addEventListener('abort', this.#onForce, { once: true });
  }

  readonly #onForce = (): void => this.force();

  #expireAt(expiry: number): void {
    if (expiry >= this.#expiry) return;
    this.#expiry = expiry;
    this.#idleWaits.expiry = expiry;
    this.#setTimer();
  }

  /** It keeps the process alive until the report is given, also without a limit. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    const left = Math.ceil(this.#expiry - performance.now());
    this.#timer = left > MAX_TIMEOUT ? setTimeout(() => this.#setTimer(), MAX_TIMEOUT) : setTimeout(this.#onForce, left);
  }

  /** Calls `run` when a connection that is idle from now on has waited `idleGrace` for one more request. @returns takes it back */
  afterIdleGrace(run: () => void): () => void {
    return this.#idleWaits.add(() => inNextTurn(() => this.soon(run))); // a whole poll later: what had come before is read by then
  }

  /** Counts `connection` from now on. */
  add(connection: Connection, handshaking = false): void {
    this.#total++;
    this.#remaining.set(connection, handshaking);
    this.#tellLater();
    if (this.isForced) this.#force(connection);
    else if (handshaking) this.#limitHandshake(connection);
  }

  /** It has `timeout` to be finished. */
  #limitHandshake(connection: Connection): void {
    const { timeout } = this.#options;
    if (timeout === Infinity) return;
    const drop = (): void => {
      if (this.#remaining.get(connection) === true) this.settle(connection, 'failed', 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
    };
    const timer = setTimeout(drop, timeout).unref();
    connection.once('close', () => clearTimeout(timer));
  }

  /** The handshake is done: it is `socket` from now on. */
  replace(transport: Connection, socket: Connection): void {
    if (this.#remaining.delete(transport)) this.#remaining.set(socket, false);
    if (this.isForced) this.#force(socket);
  }

  /** No more is added. */
  seal(): void {
    this.#sealed = true;
    this.#endIfDone();
  }

  /** Calls `run` in one of the next turns, outside of read callbacks, and not too many in one turn. */
  soon(run: () => void): void {
    this.#slices.add(run);
  }

  /** Ends a connection of `add` whose protocol is not known here: by the application's `finish`, then as `close` does. */
  finish(socket: Connection): void {
    const { finish } = this.#options;
    if (finish === undefined || socket.writableEnded || socket.destroyed) return this.close(socket); // it can say nothing any more
    if (isTLSSocket(socket) && inHandshake(socket)) return this.#awaitHandshake(socket, () => this.finish(socket));
    void sayGoodbye(socket, finish).then((failed) => {
      if (failed !== undefined) this.#finishErrors.set(socket, failed.thrown); // for the report
      this.close(socket);
    });
  }

  /** As `shutdown`, soon. */
  close(socket: Connection): void {
    if (this.#remaining.has(socket)) this.soon(() => this.shutdown(socket));
  }

  /** The end of both sides of a connection of `add`. It is destroyed afterwards. */
  shutdown(socket: Connection): void {
    const { timeout, quiet } = this.#options;
    if (this.#remaining.has(socket)) void end(socket, timeout, quiet).then((ending) => this.#onEnd(socket, ending));
  }

  #onEnd(socket: Connection, ending: Ending | 'in handshake'): void {
    if (ending === 'in handshake') return this.#awaitHandshake(socket, () => this.close(socket));
    const { outcome, code } = this.#finishErrors.has(socket) ? failedByFinish(socket, this.#finishErrors.get(socket)) : ending;
    const settle = (): void => this.settle(socket, outcome, code);
    if (ending.outcome === 'failed') settle();
    else whenRead(socket, settle);
  }

  /** It is finished or dropped, within `timeout`. 'secure' comes on both sides. */
  #awaitHandshake(socket: Connection, then: () => void): void {
    if (!this.#remaining.has(socket)) return;
    this.#remaining.set(socket, true);
    this.#limitHandshake(socket);
    const again = (): void => {
      socket.off('secure', again).off('close', again);
      if (this.#remaining.has(socket)) this.#remaining.set(socket, false);
      then();
    };
    socket.once('secure', again).once('close', again);
  }

  /** `connection` has ended, or ends now. */
  settle(connection: Connection, outcome: Outcome, code?: ShutdownErrorCode): void {
    if (!this.#remaining.delete(connection)) return;
    this.#counts[outcome]++;
    if (code !== undefined) this.#errors[code] = (this.#errors[code] ?? 0) + 1;
    this.#tellLater();
    destroySurely(connection); // a complete one Node frees by itself, unless its 'end' is not consumed
    this.#endIfDone();
  }

  /** Destroys what is left. */
  force(): void {
    if (!this.isForced) this.#beforeForce?.();
    this.isForced = true;
    for (const connection of this.#remaining.keys()) this.#force(connection);
  }

  #force(connection: Connection): void {
    this.settle(connection, 'forced', this.#remaining.get(connection) === true ? 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE' : 'ERR_TLS_SHUTDOWN_CLOSED');
  }

  #tellLater(): void {
    if (this.#changed || this.#listeners.size === 0) return;
    this.#changed = true;
    inNextTurn(() => this.#tell());
  }

  #tell(): void {
    this.#changed = false;
    const progress = { total: this.#total, remaining: this.#remaining.size, ...this.#counts };
    for (const listener of this.#listeners) listener(progress);
  }

  /** After the last progress, and after the last sockets have emitted `'close'`: they do so between this turn and the next. */
  #endIfDone(): void {
    if (this.#sealed && this.#remaining.size === 0) inNextTurn(() => inNextTurn(() => this.#end()));
  }

  #end(): void {
    if (this.isOver || this.#remaining.size > 0) return; // one has come meanwhile
    this.isOver = true;
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onForce);
    const elapsed = performance.now() - this.#start;
    this.#resolve({ total: this.#total, ...this.#counts, errors: this.#errors, elapsed });
  }
}
