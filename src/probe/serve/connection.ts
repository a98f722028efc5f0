/** One connection of `serve`: HTTP/1.1 if it is asked so, otherwise one line that is echoed. Then it closes in its way. */
import type { Served } from './kind.js';
import { KINDS } from './kinds.js';
import type { CloseKind } from '../types.js';

/** The longest request, and the longest line. */
const MAX_REQUEST = 65_536;
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/;
const KEEP_ALIVE = /^HTTP\/1\.1/;

export class Connection {
  readonly #served: Served;
  readonly #kind: CloseKind;
  readonly #idle: number;
  #received = '';
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(served: Served, kind: CloseKind, idle: number) {
    this.#served = served;
    this.#kind = kind;
    this.#idle = idle;
    const { socket } = served;
    socket.on('error', () => {}); // the client's
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => clearTimeout(this.#timer));
  }

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    clearTimeout(this.#timer);
    this.#received += chunk.toString('latin1');
    while (!this.#closing && this.#takeRequest()); // they may be pipelined
    if (this.#received.length > MAX_REQUEST) this.#close();
  }

  /** A line that has no line end is echoed, too. */
  #onEnd(): void {
    if (this.#closing) return;
    if (this.#received !== '' && !REQUEST_LINE.test(this.#received)) this.#write(this.#received, true);
    else this.#close();
  }

  /** Whether there was one. */
  #takeRequest(): boolean {
    const isHttp = REQUEST_LINE.test(this.#received);
    const end = /\r?\n\r?\n/.exec(this.#received);
    const line = /^[^\n]*\n/.exec(this.#received)?.[0];
    if (isHttp && end !== null) {
      const head = this.#received.slice(0, end.index);
      this.#received = this.#received.slice(end.index + end[0].length);
      this.#answer(head);
      return true;
    }
    if (isHttp || line === undefined) return false;
    this.#received = '';
    this.#write(line, true);
    return true;
  }

  /** A body of no stated length where the connection ends behind it: so only that end tells whether it is whole. */
  #answer(head: string): void {
    const [requestLine = '', ...headers] = head.split(/\r?\n/);
    const [method, , version = ''] = requestLine.split(' ');
    const keeps = KEEP_ALIVE.test(version) && !headers.some((header) => /^connection:.*\bclose\b/i.test(header));
    const body = `This server closes by ${KINDS[this.#kind][1]}.\n`;
    const framing = keeps ? `Content-Length: ${body.length}` : 'Connection: close';
    this.#write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${framing}\r\n\r\n${method === 'HEAD' ? '' : body}`, !keeps);
  }

  #write(text: string, isLast: boolean): void {
    if (isLast) this.#closing = true;
    this.#served.socket.write(text, 'latin1', (error) => {
      if (error) return;
      if (isLast) this.#closeLater();
      else this.#timer = setTimeout(() => this.#close(), this.#idle);
    });
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#closeLater();
  }

  /** In a turn of its own: what the client has sent with its request, its end for one, is read by then. */
  #closeLater(): void {
    clearTimeout(this.#timer);
    const { socket } = this.#served;
    setImmediate(() => {
      if (!socket.destroyed) void KINDS[this.#kind][0](this.#served, socket.readableEnded ? 'client' : 'we');
    });
  }
}
