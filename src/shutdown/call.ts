/** One shutdown call that waits: its answer, its timeout and its signal. */
import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import { MAX_TIMEOUT } from '../arguments.js';
import { answer, type Goal } from '../closure/closure.js';
import type { Connection, Waiting } from '../connection/connection.js';
import { TlsShutdownError, abortError, type ShutdownErrorCode } from '../errors.js';
import type { ShutdownResult } from '../types.js';
import { onAbort } from './aborts.js';
import { endFlushed, endLinger } from './quiet.js';

/** What is published on the `node:diagnostics_channel` named `tls-graceful-shutdown:shutdown`: one message for each shutdown call that ended. */
export interface ShutdownMessage extends ShutdownResult {
  readonly socket: TLSSocket;
}

const shutdowns = channel('tls-graceful-shutdown:shutdown');

/** The result of a call that ends with this answer. @internal */
export function conclude(connection: Connection, value: 1 | 0 | ShutdownErrorCode): ShutdownResult {
  const { socket, state } = connection;
  const unreadBytes = socket.readableLength;
  const error = typeof value === 'number' ? undefined : new TlsShutdownError(value, state, unreadBytes, connection.error);
  connection.lastError = error;
  const result = { value: typeof value === 'number' ? value : -1, state, error, unreadBytes } as const;
  if (shutdowns.hasSubscribers) shutdowns.publish({ socket, ...result } satisfies ShutdownMessage);
  return result;
}

/** The result of a call whose time has run out. @internal */
export function concludeAtTimeout(connection: Connection, goal: Goal): ShutdownResult {
  return conclude(connection, goal === 'quiet' && endLinger(connection) ? 1 : 'ERR_TLS_SHUTDOWN_TIMEOUT');
}

/** @internal */
export class Call implements Waiting {
  readonly goal: Goal;
  readonly discards: boolean;
  readonly result: Promise<ShutdownResult>;
  readonly #connection: Connection;
  #resolve!: (result: ShutdownResult) => void;
  #reject!: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Nobody waits for the answer any more. */
  #aborted = false;
  #leaveSignal = (): void => {};

  constructor(connection: Connection, goal: Goal, discards: boolean, timeout: number, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.goal = goal;
    this.discards = discards;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    connection.calls.add(this);
    if (timeout !== Infinity) this.#setTimer(timeout);
    if (signal !== undefined) this.#leaveSignal = onAbort(signal, (reason) => this.#onAbort(reason));
  }

  /** The timer does not keep the process alive; an open socket does. Node cuts fractions of a millisecond off and may be early by one. */
  #setTimer(timeout: number): void {
    const timer = setTimeout(() => this.#onTimeout(), Math.min(Math.ceil(timeout) + 1, MAX_TIMEOUT));
    (timer as { unref?: NodeJS.Timeout['unref'] }).unref?.(); // a test's fake timer may be a number, as in browsers
    this.#timer = timer;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#leaveSignal();
    this.#connection.calls.delete(this);
  }

  onChange(): void {
    if (!this.#connection.calls.has(this)) return;
    const value = answer(this.#connection.closure, this.goal);
    if (value === undefined) {
      if (this.goal === 'quiet') endFlushed(this.#connection);
      return;
    }
    this.#end();
    if (!this.#aborted) this.#resolve(conclude(this.#connection, value));
  }

  #onTimeout(): void {
    this.#end(); // first: a quiet call destroys the socket, which is a change
    if (this.#aborted) endLinger(this.#connection);
    else this.#resolve(concludeAtTimeout(this.#connection, this.goal));
  }

  /** A quiet end that has begun goes on, and this call sees to it. */
  #onAbort(reason: unknown): void {
    this.#aborted = true;
    if (this.goal !== 'quiet' || !this.#connection.ours.isQuiet) this.#end();
    this.#reject(abortError(reason));
  }
}
