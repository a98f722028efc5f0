/** Servers without TLS, and their clients. */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { once } from 'node:events';
import type { App } from './origins.js';
import { track } from './pair.js';

export const PLAIN_KINDS = ['http', 'http2 without TLS', 'net'] as const;
export type PlainKind = (typeof PLAIN_KINDS)[number];

export function makePlainServer(kind: PlainKind, app: App = () => {}): net.Server {
  if (kind === 'http') return http.createServer(app);
  if (kind === 'net') return net.createServer({ allowHalfOpen: false });
  return http2.createServer(app as never).on('sessionError', () => {});
}

/** What it does when the server ends: `strict` ends too, `silent` does nothing. */
export class PlainClient {
  readonly socket: net.Socket;
  readonly ended: Promise<void>;
  text = '';
  #onText = (): void => {};

  constructor(port: number, habit: 'strict' | 'silent' = 'strict') {
    this.socket = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })).on('error', () => {});
    this.socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.text += chunk;
      this.#onText();
    });
    this.ended = new Promise((resolve) => this.socket.once('end', () => resolve()).once('close', () => resolve()));
    this.socket.once('end', () => habit === 'strict' && this.socket.end()).once('close', () => this.#onText());
  }

  static async connect(port: number, habit?: 'strict' | 'silent'): Promise<PlainClient> {
    const client = new PlainClient(port, habit);
    await once(client.socket, 'connect');
    return client;
  }

  write(data: string | Buffer): this {
    this.socket.write(data);
    return this;
  }

  /** At once: `resetAndDestroy` alone sends a FIN before. */
  reset(): void {
    this.socket.destroySoon = () => void this.socket.destroy();
    this.socket.resetAndDestroy();
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.text.slice(0, 1000))}`);
      await new Promise<void>((resolve) => (this.#onText = resolve));
    }
  }
}
