/** Clients of a server that is drained: each sees how it is closed, and closes in its own way. */
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, watch, type ReceivedState } from '../../src/index.js';
import { seenBy, track } from './pair.js';

/**
 * What a client does at the end of the server's data: `strict` answers with its `close_notify`, `lax` with a bare FIN, `silent` with nothing.
 * A `stuck` one does nothing any more when the drain begins, a `gone` one resets the connection right before.
 */
export const HABITS = ['strict', 'lax', 'silent', 'stuck', 'gone'] as const;
export type Habit = (typeof HABITS)[number];

export interface ClientOptions extends tls.ConnectionOptions {
  habit?: Habit;
}

export class Client {
  readonly raw: net.Socket;
  /** There once the handshake has begun. */
  socket!: TLSSocket;
  readonly options: ClientOptions;
  readonly ended: Promise<void>;
  #text = '';
  #onText = (): void => {};
  #onEnded = (): void => {};

  constructor(port: number, options: ClientOptions = {}) {
    this.options = options;
    this.raw = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
    this.raw.on('error', () => {});
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
  }

  /** Resolves when the handshake is done. */
  static async connect(port: number, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(port, options);
    await client.handshake();
    return client;
  }

  async handshake(): Promise<void> {
    const { habit = 'strict', ...options } = this.options;
    const socket = tls.connect({ socket: this.raw, allowHalfOpen: true, rejectUnauthorized: false, ...options } as tls.ConnectionOptions);
    this.socket = watch(track(socket));
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
      this.#onText();
    });
    socket.once('end', () => {
      if (habit === 'strict') socket.end();
      if (habit === 'lax') this.raw.end();
      this.#onEnded();
    });
    socket.once('close', () => (this.#onEnded(), this.#onText()));
    await once(socket, 'secureConnect');
  }

  get text(): string {
    return this.#text;
  }

  /** How the server ended, if it did. */
  get received(): ReceivedState {
    return this.socket.readableEnded ? seenBy(this.socket) : getShutdown(this.socket).received;
  }

  write(data: string | Buffer): this {
    this.socket.write(data);
    return this;
  }

  /** Resolves when what came matches; rejects if the connection ends before. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.#text.slice(0, 1000))}`);
      await new Promise<void>((resolve) => (this.#onText = resolve));
    }
  }

  /** At once: `resetAndDestroy` alone sends a FIN before. */
  reset(): void {
    this.raw.destroySoon = () => void this.raw.destroy();
    this.raw.resetAndDestroy();
  }
}

export function get(path = '/', headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;
}

export function post(path: string, length: number, headers = ''): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${headers}\r\n`;
}

/** What may come behind an answer whose headers have left with `Connection: close`. */
export const BEHIND: Record<string, string> = {
  'a request': get('/2'),
  'two requests': get('/2') + get('/3'),
  'an upload': post('/2', 4) + 'data',
  'half an upload': post('/2', 10) + 'data',
  'an upload that asks first': post('/2', 4, 'expect: 100-continue\r\n') + 'data',
  'an unknown expectation': get('/2', 'expect: something\r\n'),
  'a request without a host': 'GET /2 HTTP/1.1\r\n\r\n' + get('/3'),
  'an upgrade': get('/2', 'connection: upgrade\r\nupgrade: other\r\n') + 'and more',
  'a tunnel': 'CONNECT y:1 HTTP/1.1\r\nhost: y:1\r\n\r\n',
  'the half of a request': 'GET /2 HTT',
  'blank lines': '\r\n\r\n',
};

/** The `Connection` header of each answer, in order. */
export function connectionHeaders({ text }: Client): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (?!100)[^]*?\r\n\r\n/g)].map(([head]) => /^connection: (.*)\r$/im.exec(head)?.[1] ?? 'none');
}
