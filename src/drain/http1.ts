/** One HTTP/1 connection of a drainable server: what it is doing, and how it ends without losing a request or an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type net from 'node:net';
import { putMethod } from '../connection/methods.js';
import { askHttp } from '../node/canary.js';
import { closeByHeader, readOn, requestProbe, saysClose, takeDestroyBack } from '../node/http.js';
import type { Drain } from './drain.js';
import { endSurely } from './plain.js';
import { Upgrade } from './upgraded.js';

/** What closes a socket by a two-way shutdown. */
export interface Closer {
  shutdown(socket: net.Socket): void;
}

const CONNECTION = Symbol('connection');
type TrackedResponse = ServerResponse & { [CONNECTION]?: Http1Connection };

function responseOnClose(this: TrackedResponse): void {
  this[CONNECTION]!.onResponseClose(this);
}

export class Http1Connection {
  readonly #socket: net.Socket;
  /** Whether the beginning of a request has come that has not reached the application. */
  #isRequestComing: (() => boolean) | undefined;
  /** Answers that are not finished, the oldest first. */
  readonly #open = new Set<ServerResponse>();
  /** The last of them. A client may pipeline any number, so it is not looked for at each answer. */
  #newest: ServerResponse | undefined;
  /** Until it is answered and all received. */
  #lastRequest: IncomingMessage | undefined;
  /** There once the application has been given the request for another protocol. */
  #upgrade: Upgrade | undefined;
  #drain: Drain | undefined;
  #stopWaiting = (): void => {};
  #giveDestroySoonBack = (): void => {};
  /** In a drain: an answer says `Connection: close`. It is the last. */
  #closeAnnounced = false;
  /** It is being closed, or will be as soon as it has been upgraded. */
  #closing = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Node has given it a parser by now. */
  onParser(): void {
    this.#isRequestComing = requestProbe(this.#socket);
  }

  /** No request is in work. */
  get idle(): boolean {
    return this.#open.size === 0 && this.#upgrade === undefined;
  }

  /** No answer will follow any more: the application must not act on a request, and its client may send it again elsewhere (RFC 9112 section 9.6). */
  get #takesNone(): boolean {
    return this.#closing || this.#closeAnnounced;
  }

  /** `false`: the application is not to see this request. An application may emit one twice. */
  accepts(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#open.has(response)) return true;
    if (this.#takesNone) {
      request.resume();
      return false;
    }
    askHttp(response);
    this.#open.add(response);
    this.#newest = response;
    this.#lastRequest = request;
    (response as TrackedResponse)[CONNECTION] = this;
    response.on('close', responseOnClose);
    if (this.#drain !== undefined) this.#announceClose(response);
    return true;
  }

  onResponseClose(response: ServerResponse): void {
    this.#open.delete(response);
    if (response === this.#newest) this.#newest = [...this.#open].at(-1);
    if (this.#upgrade !== undefined) return this.#onAnsweredBefore();
    if (this.#open.size === 0 && this.#lastRequest?.complete === true) this.#lastRequest = undefined; // not kept by an idle connection
    if (this.#drain !== undefined) this.#closeIfIdle(this.#drain);
  }

  /** `false`: the application is not to see this upgrade. */
  acceptsUpgrade(): boolean {
    if (this.#takesNone) {
      this.#socket.resume(); // Node reads no more of it
      return false;
    }
    this.#upgrade = new Upgrade(this.#socket);
    this.#giveDestroySoonBack(); // from now on the application's
    const drain = this.#drain;
    drain?.soon(() => this.drain(drain)); // behind the application's own listener, which says that it was done
    return true;
  }

  /** `false`: behind the last answer a client may send what it likes. Node would destroy the socket for it, and the answer with it. */
  heedsParseError(): boolean {
    return !this.#takesNone || this.#socket.errored !== null;
  }

  /** From the beginning of a drain on, before the connection is told, the socket is not destroyed behind an answer that closes it. */
  begin(drain: Drain): void {
    if (this.#upgrade !== undefined) return;
    this.#replaceDestroySoon(drain);
    if (takeDestroyBack(this.#socket)) this.#socket.destroySoon();
  }

  drain(drain: Drain): void {
    this.#drain = drain;
    this.#stopWaiting();
    if (this.#upgrade !== undefined) return this.#finishUpgraded(drain, this.#upgrade);
    for (const response of this.#open) this.#announceClose(response);
    this.#closeIfIdle(drain);
  }

  /** Of a client that has asked for the upgrade before all else was answered. What is written until then belongs to those answers. */
  #onAnsweredBefore(): void {
    if (this.#open.size > 0) return;
    this.#upgrade = new Upgrade(this.#socket);
    if (this.#drain !== undefined) this.drain(this.#drain);
  }

  /** Its protocol is not known here. But before the application has answered the request for it, it is a request in work as any other. */
  #finishUpgraded(drain: Drain, upgrade: Upgrade): void {
    if (this.#open.size > 0 || this.#closing) return;
    this.#closing = true;
    upgrade.whenAnswered((now) => {
      if (now) drain.finish(this.#socket);
      else drain.soon(() => drain.finish(this.#socket)); // behind the answer
    });
  }

  /**
   * Node calls it behind an answer with `Connection: close`, the client's own or ours, and gives the socket to no other answer. Its own would destroy the socket as
   * soon as the answer is written: a reset, for a client that is still uploading. Ours waits for the client's end. As behind Node's own, nothing can be written any more.
   */
  #replaceDestroySoon(drain: Drain): void {
    this.#giveDestroySoonBack();
    const socket = this.#socket;
    this.#giveDestroySoonBack = putMethod(socket, 'destroySoon', () => {
      if (this.#closing) return;
      this.#closing = true;
      process.nextTick(() => this.#shutdown(drain)); // an answer that the application breaks off has handed on by then what was written (Node 24)
    });
  }

  /**
   * `Connection: close` on the newest answer: on an older one it would cut off those behind it. Which one that is shows when the headers are made. Where they are
   * out already, the connection is idle after the answer, as any other, unless they say so themselves.
   */
  #announceClose(response: ServerResponse): void {
    const note = (): void => {
      if (saysClose(response)) this.#closeAnnounced = true;
    };
    if (response.headersSent) note();
    else closeByHeader(response, () => this.#upgrade === undefined && response === this.#newest, note);
  }

  #closeIfIdle(drain: Drain): void {
    this.#stopWaiting();
    if (this.idle && !this.#closing) this.#stopWaiting = drain.afterIdleGrace(() => this.closeIdle());
  }

  /** By `Closer.shutdown`, unless a request has begun to come: that is answered, or it ends the connection by its time-out. */
  closeIdle(closer: Closer | undefined = this.#drain): void {
    if (this.#closing || !this.idle || closer === undefined || this.#isRequestComing?.() === true) return;
    this.#closing = true;
    this.#shutdown(closer);
  }

  /** Ends our side in this turn: a request that comes in the next one would not be served any more. */
  #shutdown(closer: Closer): void {
    readOn(this.#socket);
    this.#readUpload();
    closer.shutdown(this.#socket);
    endSurely(this.#socket);
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
