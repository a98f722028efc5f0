/**
 * A caller who does the steps of his plan, each at its moment, and notes what he read, heard and was answered.
 * `plain`: the same on a socket of plain Node that nobody watches: where the plan calls us, he calls `end()` in the next turn.
 */
import type { TLSSocket } from 'node:tls';
import { getShutdown, watch, type ShutdownState } from '../../src/index.js';
import { turns } from '../../test/support/pair.js';
import { ACTIONS } from './actions.js';
import { Called, mistakeOf } from './calls.js';
import { isInPlace, replace, type Replacement } from './methods.js';
import type { CallPlan, Moment, Step } from './plan.js';
import { Reader } from './reader.js';

/** How its message begins. */
export const THROWN = 'thrown in';

/** What a listener of the caller throws. */
export class Thrown extends Error {
  readonly caller: Caller;

  constructor(caller: Caller, where: string) {
    super(`${THROWN} ${where}`);
    this.caller = caller;
  }
}

/** Turns that a step waits for a moment that never comes. */
const PATIENCE = 12;

export class Caller {
  readonly socket: TLSSocket;
  readonly isPlain: boolean;
  readonly reader: Reader;
  readonly calls: Called[] = [];
  readonly replaced: Replacement[] = [];
  /** Of each event, how often; of `'error'` its codes. */
  readonly heard = { end: 0, finish: 0, close: 0, errors: [] as string[] };
  readonly states: ShutdownState[] = [];
  readonly wrong: string[] = [];
  written = 0;
  writesDone = 0;
  writesFailed = 0;
  throwsInRead = false;
  throwsInWrite = false;
  /** Behind a throw in `'close'` or `'removeListener'` Node does not call who would take his listeners off. */
  keepsOthersFromLeaving = false;
  /** Behind a throw in `'end'`, `'finish'` or the callback of a write Node may not end the other side, nor close the socket if both have ended. */
  keepsNodeFromClosing = false;
  /** Errors that listeners threw; those that one of our own steps met; those that reached the process. */
  thrown = 0;
  metHere = 0;
  uncaught = 0;
  destroyedAt = Infinity;
  closedAt = Infinity;
  watchedAt = Infinity;
  /** It had called `end()` before that. */
  hadEndedUnseen = false;
  /** Behind the peer's end: our side ends then a tick before Node ends it. */
  hasAskedAtEnd = false;
  readonly #slack: number;
  readonly #mistakes: Promise<unknown>[] = [];
  #waiting: { readonly moment: Moment; run(): void } | undefined;

  /** `slack`: so many turns later or earlier than planned. */
  constructor(socket: TLSSocket, isPlain: boolean, slack: number) {
    this.socket = socket;
    this.isPlain = isPlain;
    this.#slack = slack;
    this.reader = new Reader(socket);
    this.reader.onPiece = () => this.#onPiece();
    this.reader.onLoopEnd = (destroysSocket, error) => this.#onLoopEnd(destroysSocket, error);
    socket.on('error', (error: NodeJS.ErrnoException) => this.heard.errors.push(error.code ?? error.message));
    socket.on('finish', () => this.#hear('finish', "in 'finish'"));
    socket.on('end', () => this.#hear('end', "in 'end'"));
    socket.on('close', () => {
      this.closedAt = Math.min(this.closedAt, performance.now());
      this.heard.close++;
    });
  }

  #hear(event: 'end' | 'finish', moment: Moment): void {
    this.heard[event]++;
    this.#reach(moment);
  }

  #onLoopEnd(destroysSocket: boolean, error: unknown): void {
    if (error instanceof Thrown) this.metHere++;
    if (destroysSocket || error !== undefined) this.noteDestroy();
  }

  #reach(moment: Moment): void {
    if (this.#waiting?.moment === moment) this.#waiting.run();
  }

  #throw(where: string): never {
    this.thrown++;
    throw new Thrown(this, where);
  }

  #onPiece(): void {
    this.#reach('in data');
    if (!this.throwsInRead) return;
    this.throwsInRead = false;
    this.#throw('a read');
  }

  readonly onWritten = (error?: Error | null): void => {
    if (error) this.writesFailed++;
    else this.writesDone++;
    this.#reach('in a write callback');
    if (!this.throwsInWrite) return;
    this.throwsInWrite = false;
    this.keepsNodeFromClosing = true;
    this.#throw('a write callback');
  };

  throwIn(event: string): void {
    if (event === 'removeListener' || event === 'close') this.keepsOthersFromLeaving = true;
    if (event === 'end' || event === 'finish') this.keepsNodeFromClosing = true;
    this.socket.once(event, () => this.#throw(`'${event}'`));
  }

  noteDestroy(): void {
    this.destroyedAt = Math.min(this.destroyedAt, performance.now());
  }

  replace(n: number): void {
    const replacement = replace(this.socket, n, this.replaced, this.watchedAt === Infinity);
    if (replacement !== undefined) this.replaced.push(replacement);
  }

  /** Those that are not as the caller left them, but for methods that the watching puts others in front of. */
  get displaced(): string[] {
    const isOurs = ({ name, wasFirst }: Replacement): boolean => wasFirst && ['push', '_final', '_destroy'].includes(name);
    const isNodes = ({ name }: Replacement): boolean => name === 'write' && this.heard.end > 0;
    const mayBeMadeSafe = ({ name }: Replacement): boolean => name === 'destroy' && this.calls.some(({ plan }) => plan.quiet || plan.how === 'unwrap');
    return this.replaced.filter((one) => !isOurs(one) && !isNodes(one) && !mayBeMadeSafe(one) && !isInPlace(this.socket, one)).map(({ name, way }) => `${name}, ${way}`);
  }

  #noteWatching(): void {
    if (this.watchedAt < Infinity) return;
    this.watchedAt = performance.now();
    this.hadEndedUnseen = this.socket.writableEnded;
  }

  watch(): void {
    if (this.isPlain) return;
    this.#noteWatching();
    watch(this.socket);
  }

  #noteAsking(): void {
    const { readableEnded, allowHalfOpen, writableEnded } = this.socket;
    if (readableEnded && !allowHalfOpen && !writableEnded) this.hasAskedAtEnd = true;
  }

  look(): void {
    this.#noteAsking();
    if (!this.isPlain && this.watchedAt < Infinity) this.states.push(getShutdown(this.socket)); // before, nobody has a verdict
  }

  callWrongly(n: number): void {
    if (!this.isPlain) this.#mistakes.push(mistakeOf(this.socket, n).then((wrong) => wrong !== undefined && this.wrong.push(wrong)));
  }

  call(plan: CallPlan): Called | undefined {
    if (this.isPlain) return void this.#endAsPlain(plan);
    if (plan.abort !== 'before') this.#noteWatching();
    if ((plan.quiet || plan.how === 'unwrap') && plan.abort !== 'before') this.noteDestroy(); // it may do so itself
    this.#noteAsking();
    const called = new Called(this.socket, plan, () => {
      const isOfNow = plan.how === 'shutdown' && typeof called.settled?.value === 'number' && called.timeout > 0; // others tell of a moment before, or are asked later
      if (isOfNow) this.states.push(called.settled!.state);
      this.#reach('in an answer');
    });
    this.calls.push(called);
    return called;
  }

  #endAsPlain({ abort, unread }: CallPlan): void {
    const { socket } = this;
    if (abort === 'before') return;
    if (unread === 'discard' && socket.readableFlowing !== true && socket.listenerCount('readable') === 0) socket.resume();
    setImmediate(() => !socket.writableEnded && !socket.destroyed && void socket.end());
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (let i = 0; i < steps.length; ) {
      const first = steps[i]!;
      await this.#at(first, () => {
        do this.#do(steps[i++]!);
        while (steps[i]?.moment === 'now');
      });
    }
    await Promise.all(this.#mistakes);
  }

  async #at({ moment, n }: Step, run: () => void): Promise<void> {
    if (moment === 'now') run();
    else if (moment === 'a microtask later') await Promise.resolve().then(run);
    else if (moment === 'a tick later') await new Promise<void>((resolve) => process.nextTick(() => resolve(run())));
    else if (moment === 'turns later') await this.#turnsLater(Math.max(0, (n % 8) + this.#slack), run);
    else if (moment === 'in an answer' && this.isPlain) await this.#turnsLater(Math.max(0, 2 + this.#slack), run);
    else await this.#when(moment, run);
  }

  async #turnsLater(count: number, run: () => void): Promise<void> {
    await turns(count);
    await new Promise<void>((resolve) => setImmediate(() => resolve(run())));
  }

  async #when(moment: Moment, run: () => void): Promise<void> {
    let isDone = false;
    const once = (): void => {
      if (isDone) return;
      isDone = true;
      this.#waiting = undefined;
      run();
    };
    this.#waiting = { moment, run: once };
    for (let i = 0; i < PATIENCE + this.#slack && !isDone; i++) await turns(1);
    once();
  }

  /** Reads all that nobody has read until then. */
  readOn(): void {
    this.#try('reading on', () => this.reader.readOn());
  }

  #do(step: Step): void {
    this.#try(step.action, () => ACTIONS[step.action](this, step));
  }

  #try(name: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof Thrown) this.metHere++;
      else this.wrong.push(`${name} threw ${String(error)}`);
    }
  }
}
