/** Our application in a run of the fault fuzzer: reads, writes, and calls us as its plan says. It notes what it read and what it was answered. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { shutdown, unwrap, type ShutdownOptions, type ShutdownState, type TlsShutdownError } from '../../src/index.js';
import { PATTERN } from './fault-peer.js';
import type { Plan } from './fault-plan.js';
import { turns } from './pair.js';

/** A timer of Node's may be a little early or late, and the answer needs some turns. */
const TIMER_MS = 25;
const TURNS = 60;

export interface Answer {
  readonly value: 1 | 0 | -1 | 'aborted' | 'unwrapped' | 'never came';
  readonly code: string | undefined;
  readonly isQuiet: boolean;
  readonly state: ShutdownState | undefined;
  /** When, on the clock; how long the call took, and that it took longer than it might. */
  readonly at: number;
  readonly took: number;
  readonly timeout: number;
  readonly isLate: boolean;
}

export class Application {
  readonly answers: Answer[] = [];
  readonly read: Buffer[] = [];
  written = 0;
  plain: Duplex | undefined;
  /** It has done something that may itself lose data. */
  hasDestroyed = false;
  /** When it called us the last time. */
  askedAt = 0;
  readonly #socket: TLSSocket;
  readonly #plan: Plan;
  readonly #onData: () => void;

  constructor(socket: TLSSocket, plan: Plan, onData: () => void) {
    this.#socket = socket;
    this.#plan = plan;
    this.#onData = onData;
    socket.on('error', () => {});
    this.#beginToRead();
  }

  readonly #take = (chunk: Buffer): void => {
    this.read.push(chunk);
    this.#onData();
  };

  #beginToRead(): void {
    const { reader, kind } = this.#plan;
    const socket = this.#socket;
    if (reader === 'none') return;
    if (reader === 'readable') socket.on('readable', () => this.#pull());
    else if (reader === 'for await') void this.#loop(['TCP', 'a Unix socket'].includes(kind));
    else socket.on('data', this.#take);
    if (reader === 'paused') socket.pause();
    if (reader !== 'stop and go') return;
    socket.on('data', () => {
      socket.pause();
      setImmediate(() => socket.resume());
    });
  }

  #pull(): void {
    for (let chunk; (chunk = this.#socket.read() as Buffer | null) !== null; ) this.#take(chunk);
  }

  /** The end of the loop destroys the socket. Only over the kernel our alert has left before that. */
  async #loop(destroyOnReturn: boolean): Promise<void> {
    this.hasDestroyed = destroyOnReturn;
    try {
      for await (const chunk of this.#socket.iterator({ destroyOnReturn })) this.#take(chunk as Buffer);
    } catch {
      // an error of the socket: what was read is what counts
    }
  }

  /** Somebody reads in the end what nobody has read until then. */
  readOn(): void {
    const { reader } = this.#plan;
    if (reader === 'none') this.#socket.on('data', this.#take);
    if (reader === 'none' || reader === 'paused') this.#socket.resume();
  }

  write(): void {
    for (const size of this.#plan.writes) {
      if (!this.#socket.writable) return; // the peer has ended, and Node our side
      this.#socket.write(PATTERN.subarray(this.written, this.written + size));
      this.written += size;
    }
  }

  async #ask(options: ShutdownOptions = {}): Promise<Answer['value']> {
    const { unread, timeout } = this.#plan;
    const complete = { unread, timeout, ...options };
    return await this.#timed(complete, async () => await shutdown(this.#socket, complete));
  }

  async #timed(options: ShutdownOptions, call: () => Promise<{ value: 1 | 0 | -1; state: ShutdownState; error: TlsShutdownError | undefined } | Duplex>): Promise<Answer['value']> {
    const [started, timeout, isQuiet] = [performance.now(), options.timeout!, options.quiet === true];
    this.askedAt = started;
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeout + TIMER_MS))).then(() => turns(TURNS)).then(() => (isLate = true));
    const never = limit.then(() => new Promise<'never came'>((resolve) => (timer = setTimeout(resolve, 2000, 'never came'))));
    const note = (value: Answer['value'], error?: TlsShutdownError, state = error?.state): void => {
      const at = performance.now();
      this.answers.push({ value, code: error?.code, isQuiet, state, at, took: at - started, timeout, isLate });
    };
    try {
      const result = await Promise.race([call(), never]);
      if (typeof result === 'string') note(result);
      else if ('value' in result) note(result.value, result.error, result.state);
      else {
        note('unwrapped');
        this.plain = result;
      }
    } catch (error) {
      note((error as Error).name === 'AbortError' ? 'aborted' : -1, error as TlsShutdownError);
    } finally {
      clearTimeout(timer);
    }
    return this.answers.at(-1)!.value;
  }

  async call(): Promise<void> {
    const { call, seed, timeout, unread } = this.#plan;
    const socket = this.#socket;
    const both = { bidirectional: true } as const;
    if (call === 'one step, twice') {
      if ((await this.#ask()) === 0) await this.#ask();
    } else if (call === 'bidirectional') await this.#ask(both);
    else if (call === 'both at once') await Promise.all([this.#ask(), this.#ask(both), this.#ask()]);
    else if (call === 'quiet') await this.#ask({ quiet: true });
    else if (call === 'one step, then quiet') {
      await this.#ask();
      await this.#ask({ quiet: true });
    } else if (call === 'no time, then bidirectional') {
      await this.#ask({ ...both, timeout: 0 });
      await this.#ask(both);
    } else if (call === 'aborted, then bidirectional') {
      const controller = new AbortController();
      void turns(1 + (seed % 20)).then(() => controller.abort());
      await this.#ask({ ...both, signal: controller.signal });
      await this.#ask(both);
    } else if (call === 'end() before') {
      socket.end();
      await turns(seed % 3);
      await this.#ask(both);
    } else if (call === 'end() in data') {
      await Promise.race([new Promise<void>((resolve) => socket.once('data', () => resolve(void socket.end()))), turns(40)]);
      await this.#ask(both);
    } else if (call === 'destroyed meanwhile') {
      const answer = this.#ask(both);
      await turns(1 + (seed % 30));
      this.hasDestroyed = true;
      socket.destroy();
      await answer;
    } else await this.#timed({ timeout }, async () => await unwrap(socket, { timeout, unread }));
  }
}
