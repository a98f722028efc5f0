/** One HTTP/2 connection of a drainable server: a drain closes its session, and our shutdown ends TLS when the session is done. */
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Drain } from './drain.js';

/** `session.socket` is a proxy. Its chaining methods give what it stands for. */
export function socketOf(session: ServerHttp2Session | undefined): TLSSocket | undefined {
  const off = session?.socket?.off; // it may be what an application has emitted
  return typeof off === 'function' ? (session!.socket.off('tls-shutdown', () => {}) as TLSSocket) : undefined;
}

export class Http2Connection {
  readonly #socket: TLSSocket;
  #drain: Drain | undefined;
  /** Node makes it while `'secureConnection'` is emitted. */
  session: ServerHttp2Session | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
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
    if (this.session === undefined || socket.writableEnded) return drain.finish(socket);
    socket.once('close', () => drain.close(socket)); // for the report: the server may listen again by then, and have no drain
    socket.end = ((...args: Parameters<TLSSocket['end']>) => {
      Reflect.deleteProperty(socket, 'end');
      drain.close(socket);
      return drain.isQuiet ? socket : socket.end(...args); // a quiet end is not Node's
    }) as TLSSocket['end'];
    this.session.close();
  }
}
