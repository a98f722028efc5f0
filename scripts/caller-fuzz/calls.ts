/** The calls of a sequence: what they were answered, when, and what was to be seen of the socket then. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, unwrap, type ShutdownErrorCode, type ShutdownState } from '../../src/index.js';
import { turns } from '../../test/support/pair.js';
import type { CallPlan } from './plan.js';

/** A timer of Node's may be a little early or late, and the answer needs some turns. */
const TIMER_MS = 25;
const TURNS = 60;

export interface Settled {
  readonly value: 1 | 0 | -1 | 'aborted' | 'unwrapped' | 'rejected';
  /** `undefined` of a `gracefulShutdown`, whose error another call may have overwritten. */
  readonly code: ShutdownErrorCode | undefined;
  readonly state: ShutdownState;
  readonly at: number;
  readonly isDestroyed: boolean;
  /** Its buffer is full, or was when it was destroyed: nothing behind that can be seen. */
  readonly isFull: boolean;
  readonly error: unknown;
}

export class Called {
  readonly plan: CallPlan;
  readonly timeout: number;
  readonly before: ShutdownState;
  readonly startedAt = performance.now();
  readonly wasDestroyed: boolean;
  settled: Settled | undefined;
  isLate = false;
  /** It was aborted, and went on. */
  isDeaf = false;
  plain: Duplex | undefined;
  /** Settled, or not settled in time. */
  readonly done: Promise<unknown>;
  readonly #socket: TLSSocket;
  #onSettled: () => void;

  constructor(socket: TLSSocket, plan: CallPlan, onSettled: () => void) {
    this.#socket = socket;
    this.plan = plan;
    this.timeout = plan.timeout ?? Infinity;
    this.#onSettled = onSettled;
    this.before = getShutdown(socket);
    this.wasDestroyed = socket.destroyed;
    const settles = this.#begin();
    this.done = this.timeout === Infinity ? settles : Promise.race([settles, this.#limit()]);
  }

  async #limit(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.timeout + TIMER_MS));
    await turns(TURNS);
    this.isLate = this.settled === undefined;
  }

  async #abort(controller: AbortController, after: number): Promise<void> {
    await turns(1 + after);
    controller.abort();
    await turns(2);
    this.isDeaf = this.settled === undefined;
  }

  /** Not `async`: what is thrown synchronously is a fault, and is to be seen as one. */
  #begin(): Promise<void> {
    const { bidirectional, quiet, unread, abort, how } = this.plan;
    const { timeout } = this;
    const socket = this.#socket;
    const controller = new AbortController();
    if (abort === 'before') controller.abort();
    else if (abort !== 'never') void this.#abort(controller, abort);
    const signal = abort === 'never' ? {} : { signal: controller.signal };
    if (how === 'unwrap') return this.#note(unwrap(socket, { timeout, unread, ...signal }).then((plain) => void (this.plain = plain)));
    const options = { bidirectional, quiet, timeout, unread, ...signal };
    return this.#note(how === 'shutdown' ? shutdown(socket, options) : gracefulShutdown(socket, options));
  }

  async #note(result: Promise<Awaited<ReturnType<typeof shutdown>> | 1 | 0 | -1 | undefined>): Promise<void> {
    try {
      const answer = await result;
      if (answer === undefined) this.#settle('unwrapped', undefined);
      else if (typeof answer === 'number') this.#settle(answer, undefined);
      else this.#settle(answer.value, answer.error?.code, answer.state);
    } catch (error) {
      const { name, code } = error as NodeJS.ErrnoException;
      if (name === 'AbortError') this.#settle('aborted', undefined);
      else if (name === 'TlsShutdownError') this.#settle(-1, code as ShutdownErrorCode);
      else this.#settle('rejected', undefined, undefined, error);
    }
    this.#onSettled();
  }

  #settle(value: Settled['value'], code: Settled['code'], state = getShutdown(this.#socket), error?: unknown): void {
    const { destroyed, readableLength, readableHighWaterMark, readableEnded } = this.#socket;
    const isFull = readableLength >= readableHighWaterMark || (destroyed && !readableEnded); // what it had is gone then
    this.settled = { value, code, state, at: performance.now(), isDestroyed: destroyed, isFull, error };
  }
}

interface Mistake {
  readonly socket?: unknown;
  readonly options?: unknown;
  readonly code: string;
}

const TYPE = 'ERR_INVALID_ARG_TYPE';
const RANGE = 'ERR_OUT_OF_RANGE';

/** A caller's mistakes. */
export const MISTAKES: readonly Mistake[] = [
  { options: { timeout: -1 }, code: RANGE },
  { options: { timeout: NaN }, code: RANGE },
  { options: { timeout: 2 ** 31 }, code: RANGE },
  { options: { timeout: '5' }, code: TYPE },
  { options: { timeout: null, quiet: true }, code: TYPE },
  { options: { unread: 'drop', bidirectional: true }, code: 'ERR_INVALID_ARG_VALUE' },
  { options: { unread: true }, code: TYPE },
  { options: { bidirectional: 1 }, code: TYPE },
  { options: { quiet: 'yes' }, code: TYPE },
  { options: { quiet: true, signal: {} }, code: TYPE },
  { options: null, code: TYPE },
  { options: 5000, code: TYPE },
  { socket: {}, code: TYPE },
  { socket: undefined, code: TYPE },
];

/** What is wrong about how a mistake was answered. */
export async function mistakeOf(socket: TLSSocket, n: number): Promise<string | undefined> {
  const mistake = MISTAKES[n % MISTAKES.length]!;
  getShutdown(socket); // at 'end' it may end our side
  const before = look(socket);
  const call = n % 2 === 0 ? shutdown : gracefulShutdown;
  const answer = call(('socket' in mistake ? mistake.socket : socket) as TLSSocket, ('options' in mistake ? mistake.options : undefined) as object | undefined);
  const after = look(socket); // all before the first turn
  if (before !== after) void answer.catch(() => {});
  if (before !== after) return `a mistake (${JSON.stringify(mistake.options)}) changed the socket: ${before} ${after}`;
  const code = await answer.then(
    (value) => `resolved to ${String(value)}`,
    (error: NodeJS.ErrnoException) => error.code,
  );
  return code === mistake.code ? undefined : `a mistake (${JSON.stringify(mistake.options)}) was answered ${code}`;
}

function look(socket: TLSSocket): string {
  const listeners = socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]);
  return JSON.stringify([listeners, Reflect.ownKeys(socket).map(String).sort(), socket.writableEnded, socket.destroyed, socket.readableFlowing, getShutdown(socket)]);
}
