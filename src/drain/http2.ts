/** One HTTP/2 connection of a drainable server: a drain closes its session, and we end the connection when the session is done. */
import type { ServerHttp2Session } from 'node:http2';
import type net from 'node:net';
import { isTLSSocket } from '../arguments.js';
import { putMethod } from '../connection/methods.js';
import { isWithoutStreams } from '../node/http.js';
import { transportGone } from '../node/writing-end.js';
import type { Drain } from './drain.js';

/** In ms. */
const UNTIL_NEXT_LOOK = 1000;

/** `session.socket` is a proxy. Its chaining methods give what it stands for. */
export function socketOf(session: ServerHttp2Session | undefined): net.Socket | undefined {
  const off = session?.socket?.off; // it may be what an application has emitted
  return typeof off === 'function' ? session!.socket.off('tls-shutdown', () => {}) : undefined;
}

export class Http2Connection {
  readonly #socket: net.Socket;
  #drain: Drain | undefined;
  /** Its socket holds it. We don't: a session that was destroyed may be collected before its socket is closed. */
  #session: WeakRef<ServerHttp2Session> | undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Node makes it while the connection is emitted. */
  set session(session: ServerHttp2Session) {
    this.#session = new WeakRef(session);
  }

  drain(drain: Drain): void {
    if (this.#drain !== undefined) return; // it ends already; a later drain hears of the socket's 'close'
    this.#drain = drain;
    drain.soon(() => this.#close(drain)); // by then there is a session
  }

  /**
   * One GOAWAY. Streams that the application has got finish, later ones are refused: their clients may send them again (RFC 9113 section 8.7). Then the
   * session ends its socket, and so does Node at the client's end. Not before: what the session has written natively would be lost.
   */
  #close(drain: Drain): void {
    const socket = this.#socket;
    const session = this.#session?.deref();
    const sessionSocket = socketOf(session); // where Node has put one of its own around a Duplex, that
    if (sessionSocket === undefined || socket.writableEnded) return drain.finish(socket);
    if (this.#isReset) return drain.close(socket);
    this.#lookAtTimes(drain);
    socket.once('close', () => drain.close(socket)); // for the report: the server may listen again by then, and have no drain
    const { end } = sessionSocket;
    const giveEndBack = putMethod(sessionSocket, 'end', ((...args: Parameters<net.Socket['end']>) => {
      giveEndBack();
      drain.close(socket);
      return drain.isQuiet ? sessionSocket : end.apply(sessionSocket, args); // a quiet end is not Node's
    }) as net.Socket['end']);
    session!.close();
  }

  /** Node 20 and 22 read no more of a connection on which the session could not write, and never see that it was reset. The kernel knows. */
  get #isReset(): boolean {
    return isTLSSocket(this.#socket) && transportGone(this.#socket);
  }

  /** On a busy machine Node may forget to end a session whose last stream has closed while something was still to be written (20). Another GOAWAY reminds it. */
  #remind(): void {
    const session = this.#session?.deref();
    if (session !== undefined && session.closed && !session.destroyed && isWithoutStreams(session)) session.goaway();
  }

  #lookAtTimes(drain: Drain): void {
    const timer = setInterval(() => {
      if (this.#isReset) drain.close(this.#socket);
      else this.#remind();
    }, UNTIL_NEXT_LOOK).unref();
    this.#socket.once('close', () => clearInterval(timer));
  }
}
