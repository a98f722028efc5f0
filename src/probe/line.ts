/** One connection to the server: what is sent, what comes, and how it ends. */
import type { TLSSocket } from 'node:tls';
import { getShutdown, shutdown } from '../index.js';
import { alertName, alertNumber } from './alerts.js';
import type { Dialled } from './dial.js';
import { escaped } from './escape.js';
import type { Request } from './requests/request.js';
import type { Story } from './story.js';
import { isReset, type Tap } from './tap.js';
import type { End } from './types.js';
import { firstOf, within } from './waiting.js';

/** So much is read for one question. */
export const MAX_BYTES = 16 * 1024 * 1024;

export interface Ending {
  readonly end: End;
  readonly elapsed: number;
  readonly detail: string | undefined;
}

export class Line {
  /** Plaintext received. */
  bytes = 0;
  readonly socket: TLSSocket;
  readonly #tap: Tap;
  readonly #story: Story;
  readonly #timeout: number;
  #request: Request | undefined;
  #failure: NodeJS.ErrnoException | undefined;
  /** When our part of the question was done, and when its end came. */
  #askedAt: number | undefined;
  #endedAt: number | undefined;
  #tooMuch = false;
  #holds = false;

  constructor({ socket, tap }: Dialled, story: Story, timeout: number) {
    this.socket = socket;
    this.#tap = tap;
    this.#story = story;
    this.#timeout = timeout;
    socket.on('error', (error) => this.#onError(error));
    socket.on('end', () => this.#onEnd());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    tap.on('fin', () => (this.#endedAt ??= story.now));
    tap.on('ourEnd', () => (this.#askedAt ??= story.now));
  }

  #onData(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#story.data(chunk.length);
    if (this.bytes > MAX_BYTES) {
      this.#tooMuch = true;
      return void this.socket.destroy();
    }
    const answer = this.#request?.reply.feed(chunk);
    if (answer !== undefined && this.socket.writable) this.socket.write(answer);
    if (this.#request?.reply.isWhole === true) this.socket.emit('whole');
  }

  /** TLS has ended. If TCP has not, it was not by a FIN. */
  #onEnd(): void {
    this.#endedAt ??= this.#story.now;
  }

  #onError(error: NodeJS.ErrnoException): void {
    this.#failure ??= error;
    this.#endedAt ??= this.#story.now;
    const alert = alertNumber(error);
    if (alert !== undefined) this.#story.add('it', `alert ${alertName(alert)}`);
  }

  get request(): Request | undefined {
    return this.#request;
  }

  get isOver(): boolean {
    return this.#endedAt !== undefined || this.socket.destroyed;
  }

  /** Sends what makes the server answer. */
  send(request: Request): void {
    this.#request = request;
    if (!this.#holds) this.wait();
    this.#story.add('us', request.name);
    this.socket.write(request.bytes);
  }

  /** What is sent from now on leaves in one segment with our `close_notify`: the server has no time to answer before it. */
  hold(): void {
    this.#holds = true;
    this.#tap.holdWrites();
  }

  /** Our part begins now, and is to do nothing. */
  wait(): void {
    this.#askedAt = this.#story.now;
  }

  /** Until its answer is whole, as far as that can be told. `false` if the time ran out. */
  async answered(): Promise<boolean> {
    if (this.#request?.reply.isWhole === true || this.isOver) return true;
    return await within(this.#timeout, this.#next('whole'));
  }

  /** Until the server has ended its side. `false` if the time ran out. */
  async untilEnd(milliseconds = this.#timeout): Promise<boolean> {
    return this.isOver || (await within(milliseconds, this.#next()));
  }

  /** Its end, or one of the `others`. */
  #next(...others: string[]): Promise<void> {
    return firstOf([this.#tap, 'fin'], [this.socket, 'end', 'error', 'close', ...others]);
  }

  /** Both steps of the closure: our alert and FIN, then its answer. */
  async close(): Promise<void> {
    const before = performance.now();
    this.#tap.ourEnd = 'close_notify';
    await shutdown(this.socket, { timeout: this.#timeout });
    this.#tap.releaseFin();
    const left = this.#timeout - (performance.now() - before);
    if (!this.socket.destroyed) await shutdown(this.socket, { bidirectional: true, timeout: Math.max(1, left) });
    this.#tellEnd();
  }

  /** A FIN without an alert. */
  async closeQuietly(): Promise<void> {
    this.socket.once('finish', () => this.#tap.releaseFin());
    await shutdown(this.socket, { quiet: true, timeout: this.#timeout });
    this.#tellEnd();
  }

  /** What is known of both ends only now. */
  #tellEnd(): void {
    if (getShutdown(this.socket).received === 'close_notify') this.#story.insertEnd(this.#endedAt ?? this.#story.now, 'close_notify');
  }

  /** What the end was. `limit`: for how long it was waited for. */
  ending(limit = this.#timeout): Ending {
    const [end, ...details] = this.#judge();
    const askedAt = this.#askedAt ?? this.#story.now;
    const elapsed = (this.#endedAt ?? askedAt + limit) - askedAt;
    const summary = this.#request?.reply.summary;
    const detail = [...details, summary].filter((each) => each !== undefined).join('; ');
    return { end, elapsed: Math.max(0, elapsed), detail: detail === '' ? undefined : detail };
  }

  #judge(): [end: End, detail?: string | undefined] {
    if (this.#tooMuch) return ['error', `more than ${MAX_BYTES / 1024 / 1024} MB came, and were not read`];
    const { received } = getShutdown(this.socket);
    if (received === 'close_notify') return ['close_notify'];
    if (received === 'fin') return ['fin', this.#tap.inRecord ? 'in the middle of a record' : undefined];
    if (received === 'unverified') return ['unverified', 'it ended, but how can not be told'];
    const failure = this.#failure ?? this.#tap.failure;
    if (received === 'open' && failure === undefined) return ['silence'];
    return judgeFailure(failure);
  }

  destroy(): void {
    this.socket.destroy();
    this.#tap.destroy();
  }
}

function judgeFailure(failure: NodeJS.ErrnoException | undefined): [End, string] {
  if (failure === undefined) return ['error', 'the connection failed'];
  const alert = alertNumber(failure);
  if (alert !== undefined) return ['alert', alertName(alert)];
  return [isReset(failure) ? 'reset' : 'error', escaped(failure.code ?? failure.message)];
}
