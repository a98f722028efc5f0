/** One connection of a client: what it got, how the server closed it, and how it closes itself. */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, watch } from '../../src/index.js';
import { Conditions } from '../../test/support/conditions.js';
import type { Version } from '../../test/support/pair.js';

/** At the server's end: `strict` ends TLS and the transport, `lax` the transport alone, `silent` does nothing. */
export type Habit = 'strict' | 'lax' | 'silent';

export interface WireOptions {
  readonly port: number;
  readonly version: Version | undefined;
  readonly alpn: readonly string[] | undefined;
  readonly habit: Habit;
}

/** What was written so many turns before the client saw the server's end was in the server's hands before it closed: its close has not crossed that. */
export const LONG_BEFORE = 8;

/** How many turns the event loop of this process, and so of the servers and all clients, has had. */
export function turnCount(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

export class Wire {
  readonly raw: net.Socket;
  socket: net.Socket;
  readonly habit: Habit;
  text = '';
  /** What ended the reading first: `'end'`, `'close'`, or the code of an error. */
  ended: string | undefined;
  endTurn = 0;
  /** What the client itself did first to end the connection: no promise holds any more. */
  left: 'end' | 'half' | 'reset' | undefined;
  /** It may have seen the server's end late. */
  isSlow = false;
  localPort = 0;
  /** As the server has them. */
  ports = '';
  readonly #options: WireOptions;
  readonly #conditions = new Conditions();
  readonly #closed: Promise<void>;

  constructor(options: WireOptions) {
    this.#options = options;
    this.habit = options.habit;
    this.raw = net.connect({ port: options.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket = this.raw;
    this.raw.once('connect', () => this.#conditions.changed());
    this.raw.on('error', (error: NodeJS.ErrnoException) => this.#onEnded(error.code ?? error.message));
    if (options.version === undefined) this.#listen(this.raw);
    this.#closed = new Promise((resolve) => this.raw.once('close', () => (this.#onEnded('close'), resolve())));
  }

  /** `false` if there is no connection. `pause` is between the transport and the handshake, which never begins after `Infinity`. */
  async open(pause: number): Promise<boolean> {
    await this.until(() => !this.raw.connecting);
    if (this.ended !== undefined) return false;
    this.localPort = this.raw.localPort!;
    this.ports = `${this.#options.port} ${this.localPort}`;
    const { version } = this.#options;
    if (pause === Infinity) {
      this.#listen(this.raw);
      await this.until(() => false);
      return false;
    }
    await sleep(pause);
    if (version === undefined) return true;
    const alpn = this.#options.alpn === undefined ? {} : { ALPNProtocols: [...this.#options.alpn] };
    const options: object = { socket: this.raw, allowHalfOpen: true, rejectUnauthorized: false, minVersion: version, maxVersion: version, ...alpn };
    const socket = tls.connect(options);
    watch(socket).on('error', (error: NodeJS.ErrnoException) => this.#onEnded(error.code ?? error.message));
    this.socket = socket;
    let secure = false;
    socket.once('secureConnect', () => ((secure = true), this.#conditions.changed()));
    this.#listen(socket);
    await this.until(() => secure);
    return secure;
  }

  #listen(socket: net.Socket): void {
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.text += chunk;
      this.#conditions.changed();
    });
    socket.once('end', () => {
      this.#onEnded('end');
      if (this.habit === 'strict') socket.end();
      if (this.habit === 'lax') this.raw.end();
    });
    socket.once('close', () => this.#onEnded('close'));
  }

  #onEnded(how: string): void {
    if (this.ended === undefined) this.endTurn = turnCount();
    this.ended ??= how;
    this.#conditions.changed();
  }

  /** At once if the connection has ended. */
  async until(condition: () => boolean): Promise<void> {
    await this.#conditions.until(() => this.ended !== undefined || condition());
  }

  write(data: string | Buffer): void {
    if (this.isOpen) this.socket.write(data as string, 'latin1');
  }

  readNothingFor(ms: number): void {
    this.isSlow = true;
    this.socket.pause();
    setTimeout(() => this.socket.resume(), ms);
  }

  get isOpen(): boolean {
    return this.ended === undefined && this.left === undefined && this.socket.writable;
  }

  /** The client ends the connection by itself, in one of several ways. */
  leave(how: 'end' | 'half' | 'reset'): void {
    if (this.ended !== undefined) return;
    this.left = how;
    if (how === 'end') this.socket.end();
    if (how === 'half') this.raw.end();
    if (how === 'reset') this.raw.destroySoon = () => void this.raw.destroy(); // else it sends a FIN before
    if (how === 'reset') this.raw.resetAndDestroy();
  }

  /** How TLS was ended by the server. `undefined` without TLS. */
  get received(): string | undefined {
    return this.#options.version === undefined || this.socket === this.raw ? undefined : getShutdown(this.socket as TLSSocket).received;
  }

  /** When the transport is gone. */
  async closed(): Promise<void> {
    await this.#closed;
  }

  destroy(): void {
    this.socket.destroy();
    this.raw.destroy();
  }
}
