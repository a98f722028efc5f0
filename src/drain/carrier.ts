/**
 * What an HTTP/2 session is given in the place of its `TLSSocket`. It passes everything on, knows where a frame ends, and so can put a GOAWAY of its own
 * between two frames.
 */
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { clearDeadline, setDeadline, type Waiting } from '../deadline.js';
import { inNextTurn } from '../turn.js';
import { FrameCounter, GOAWAY_NOTICE } from './frames.js';
import { lookLikeTls } from './session-socket.js';

/** One HTTP/2 connection of a server. */
export interface Http2Connection {
  /** The real one; `session.socket` is a stand-in with the same properties. */
  readonly socket: TLSSocket;
  /**
   * Ends the session: a GOAWAY that refuses nothing, a round trip, the final GOAWAY, and the streams finish. Resolves when all that the session had to
   * say is written to `socket`, or `socket` has closed. It has no time limit, and leaves `socket` open, flowing, for a TLS shutdown. Called
   * again it gives the same promise.
   *
   * @param pingTimeout milliseconds the client may take to acknowledge; then comes the final GOAWAY. Default 1000.
   */
  drain(pingTimeout?: number): Promise<void>;
}

/** How long what is written may still be on its way when the client has ended, in milliseconds; Node may have lost the write (see `#linger`). */
export const LINGER = 5000;

type Callback = (error?: Error | null) => void;
export type Listener = (...args: never[]) => void;

/** What Node's http2 wants of a stream that is no socket of its own; it never sees more of the `TLSSocket` than this. */
export class Carrier implements Http2Connection, Waiting {
  readonly socket: TLSSocket;
  readonly #sent = new FrameCounter();
  #session: ServerHttp2Session | undefined;
  /** Node's listener for what the client sends. */
  #ondata: Listener | undefined;
  #onend: Listener | undefined;
  /** The session has ended its side. */
  #ended = false;
  #drained: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #noticeWanted = false;
  bucket: Waiting['bucket'] = undefined;
  place = 0;
  signalled: Waiting['signalled'] = undefined;

  constructor(socket: TLSSocket, linger: number) {
    this.socket = socket;
    socket.once('end', () => this.#linger(linger));
  }

  /**
   * The socket ends itself now, behind what is written. But Node's TLS layer loses the error of a write that waits for an earlier one when that
   * fails (Node 20 to 26, at a reset): its callback never comes. Without us no write of JS's is in the way of the end.
   */
  #linger(milliseconds: number): void {
    if (this.socket.writableLength === 0) return;
    const timer = setTimeout(() => this.#released || this.socket.destroy(), milliseconds).unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  get alpnProtocol(): string | false | null {
    return this.socket.alpnProtocol;
  }
  get readable(): boolean {
    return this.socket.readable;
  }
  get writable(): boolean {
    return this.socket.writable;
  }

  adopt(session: ServerHttp2Session): void {
    this.#session = session;
    lookLikeTls(session, this.socket);
  }

  on(event: string, listener: Listener): this {
    if (event === 'data') this.#ondata = listener;
    this.socket.on(event, listener as () => void);
    return this;
  }
  once(event: string, listener: Listener): this {
    if (event === 'end') this.#onend = listener;
    this.socket.once(event, listener as () => void);
    return this;
  }
  removeListener(event: string, listener: Listener): this {
    this.socket.removeListener(event, listener as () => void);
    return this;
  }

  pause(): void {
    if (!this.#released) this.socket.pause();
  }
  resume(): void {
    if (!this.#released) this.socket.resume();
  }
  cork(): void {
    this.socket.cork();
  }
  uncork(): void {
    this.socket.uncork();
  }

  write(chunk: Buffer, callback: Callback): boolean {
    if (!this.#open) {
      callback();
      return true;
    }
    const more = this.socket.write(chunk, callback);
    this.#sent.add(chunk);
    if (this.#noticeWanted) this.#notify();
    return more;
  }

  end(callback: Callback): void {
    this.#ended = true;
    if (this.#drained === undefined) inNextTurn(endSocket, { socket: this.socket, callback });
    else {
      this.#release();
      process.nextTick(callback);
    }
  }

  destroy(): void {
    this.#ended = true;
    if (this.#drained === undefined) this.socket.destroy();
    else this.#release();
  }

  drain(pingTimeout = 1000): Promise<void> {
    return (this.#drained ??= new Promise((resolve) => {
      if (this.#ended || this.socket.destroyed) return resolve();
      this.#resolve = resolve;
      this.socket.once('close', () => this.#release());
      setDeadline(this, pingTimeout, undefined);
      inNextTurn(begin, this); // the session is not there yet if the connection is new
    }));
  }

  begin(): void {
    if (this.#released) return;
    if (this.#session === undefined) return this.#release();
    this.#noticeWanted = true;
    this.#notify();
  }

  /** Puts the notice between two frames, now or when there is a gap. */
  #notify(): void {
    if (!this.#sent.goaway && !this.#sent.between) return;
    this.#noticeWanted = false;
    if (this.#sent.goaway || !this.#open) return inNextTurn(close, this); // what a GOAWAY has said must not go up again
    this.socket.write(GOAWAY_NOTICE);
    inNextTurn(ping, this); // behind it, and not out of nghttp2's own sending
  }

  ping(): void {
    const session = this.#session!;
    if (session.destroyed || session.closed) return;
    // Refused or cancelled it says nothing: then only the time counts.
    session.ping((error) => {
      if (error === null) inNextTurn(close, this);
    });
  }

  /** The round trip is over: what the client sent before it knew has come. */
  close(): void {
    this.#noticeWanted = false;
    clearDeadline(this);
    this.#session?.close();
  }

  onTimeout(): void {
    this.close();
  }
  onAbort(): void {}

  /** Once the peer's end has come, or ours is on its way, a write is an error to a socket; not so to a session that writes natively. */
  get #open(): boolean {
    return this.socket.writable && (!this.socket.readableEnded || this.socket.allowHalfOpen);
  }

  get #released(): boolean {
    return this.#drained !== undefined && this.#resolve === undefined;
  }

  /** The socket is the caller's. What the client still says is thrown away, as Node does after `session.close()`. */
  #release(): void {
    if (this.#resolve === undefined) return;
    clearDeadline(this);
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.#noticeWanted = false;
    if (this.#ondata !== undefined) this.socket.off('data', this.#ondata as () => void);
    if (this.#onend !== undefined) this.socket.off('end', this.#onend as () => void);
    this.socket.resume();
    resolve();
  }
}

function begin(carrier: Carrier): void {
  carrier.begin();
}
function ping(carrier: Carrier): void {
  carrier.ping();
}
function close(carrier: Carrier): void {
  carrier.close();
}
/** Never in a read callback (see turn.ts). */
function endSocket({ socket, callback }: { socket: TLSSocket; callback: Callback }): void {
  socket.end(callback);
}
