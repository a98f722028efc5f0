/** One HTTP/1 connection of a drainable server: what it is doing, and how it ends without losing a request or an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Drain } from './drain.js';

/** Which sockets are between two requests, to their parsers; `undefined` if that can't be told. */
export type IdleProbe = () => ReadonlySet<unknown> | undefined;

/** What closes a socket by a two-way shutdown. */
export interface Closer {
  shutdown(socket: TLSSocket): void;
}

const CONNECTION = Symbol('connection');
type TrackedResponse = ServerResponse & { [CONNECTION]?: Http1Connection };

function responseOnClose(this: TrackedResponse): void {
  this[CONNECTION]!.onResponseClose(this);
}

export class Http1Connection {
  readonly #socket: TLSSocket;
  readonly #idleSockets: IdleProbe;
  #requests = 0;
  /** Answers that are not finished, the oldest first. */
  #open: ServerResponse[] = [];
  /** Until it is answered and all received. */
  #lastRequest: IncomingMessage | undefined;
  /** `bytesWritten` when it was upgraded. */
  #upgradedAt: number | undefined;
  #drain: Drain | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** `bytesRead` when it was seen to be idle. */
  #idleAt: number | undefined;
  #closing = false;

  constructor(socket: TLSSocket, idleSockets: IdleProbe) {
    this.#socket = socket;
    this.#idleSockets = idleSockets;
  }

  /** No request is in work. */
  get idle(): boolean {
    return this.#open.length === 0 && this.#upgradedAt === undefined;
  }

  /** `false`: our alert is out, no answer can be sent any more, and the application must not act on it; the client may try it again elsewhere. */
  accepts(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#closing) {
      request.resume();
      return false;
    }
    this.#requests++;
    this.#idleAt = undefined;
    this.#open.push(response);
    this.#lastRequest = request;
    (response as TrackedResponse)[CONNECTION] = this;
    response.on('close', responseOnClose); // one listener for all, not a closure for each request
    if (this.#drain !== undefined) this.#announceClose(this.#drain);
    return true;
  }

  onResponseClose(response: ServerResponse): void {
    if (this.#open.length === 1) this.#open.pop();
    else this.#open.splice(this.#open.indexOf(response), 1);
    if (this.#open.length === 0 && this.#lastRequest?.complete === true) this.#lastRequest = undefined; // not kept by an idle connection
    if (this.#drain !== undefined) this.#closeIfIdle(this.#drain);
  }

  upgrade(): void {
    this.#upgradedAt = this.#socket.bytesWritten;
    Reflect.deleteProperty(this.#socket, 'destroySoon'); // from now on the application's
    const drain = this.#drain;
    drain?.soon(() => this.drain(drain)); // behind the application's own listener, which says that it was done
  }

  drain(drain: Drain): void {
    this.#drain = drain;
    if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
    if (this.#upgradedAt !== undefined) return this.#finishUpgraded(drain, this.#upgradedAt);
    this.#announceClose(drain);
    this.#noteIdle(); // asked once for all of them; later it is enough to compare
    this.#closeIfIdle(drain);
  }

  /** Its protocol is not known here. But before the application has answered the request for it, it is a request in work as any other. */
  #finishUpgraded(drain: Drain, upgradedAt: number): void {
    const socket = this.#socket;
    if (socket.writableEnded || socket.bytesWritten !== upgradedAt) return drain.finish(socket);
    const { _write: write, _writev: writev } = socket;
    let answered = false;
    const onAnswer = (): void => {
      if (answered) return;
      answered = true;
      drain.soon(() => drain.finish(socket)); // behind the answer
    };
    // Not `write`: an application may have a reference to it.
    socket._write = (...args) => {
      onAnswer();
      Reflect.apply(write, socket, args);
    };
    socket._writev = (...args) => {
      onAnswer();
      Reflect.apply(writev!, socket, args);
    };
    socket.once('finish', onAnswer); // of an end() without an answer
  }

  /**
   * `Connection: close` on the newest answer: on an older one it would cut off those behind it. (Node adds the header for this field, unless the
   * application set one of its own. Where the headers are out already the connection is idle after the answer, as any other.)
   */
  #announceClose(drain: Drain): void {
    if (this.#open.length === 0) return;
    // After an answer with `Connection: close` Node calls this. Its own would destroy the socket as soon as the answer is written: a
    // reset, for a client that is still uploading.
    this.#socket.destroySoon = () => drain.soon(() => this.close());
    for (const [index, response] of this.#open.entries()) if (!response.headersSent) response.shouldKeepAlive = index < this.#open.length - 1;
  }

  #closeIfIdle(drain: Drain): void {
    const { idleGrace = 0 } = drain.options;
    if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
    if (!this.idle || this.#closing) return;
    if (idleGrace === 0) drain.soon(() => this.closeIdle());
    else if (idleGrace !== Infinity) this.#idleTimer = setTimeout(() => drain.soon(() => this.closeIdle()), idleGrace).unref();
  }

  /** By `Closer.shutdown`, unless a request has begun to come: that is answered, or it ends the connection by its time-out. */
  closeIdle(closer: Closer | undefined = this.#drain): void {
    if (!this.#inRequest()) this.close(closer);
  }

  /** Whatever the client sends. */
  close(closer: Closer | undefined = this.#drain): void {
    if (this.#closing || !this.idle || closer === undefined) return;
    this.#closing = true;
    this.#readUpload();
    closer.shutdown(this.#socket);
  }

  /** The beginning of a request has come that has not reached the application. */
  #inRequest(): boolean {
    if (this.#requests === 0) return this.#socket.bytesRead > 0;
    if (this.#lastRequest?.complete === false) return false; // it is answered, and still uploading
    this.#noteIdle();
    return this.#socket.bytesRead !== this.#idleAt;
  }

  #noteIdle(): void {
    if (this.#idleAt === undefined && this.idle && this.#idleSockets()?.has(this.#socket) !== false) this.#idleAt = this.#socket.bytesRead;
  }

  /**
   * What a client still uploads has to be read, or the close becomes a reset. An application that has stopped reading would stop the parser too:
   * the rest goes past it, and it is told that the request was aborted, never that it has ended.
   */
  #readUpload(): void {
    const request = this.#lastRequest;
    if (request === undefined || request.complete || request.destroyed || request.readableFlowing === true) return;
    request.push = () => true;
    this.#socket.once('close', () => request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))).resume();
  }
}
