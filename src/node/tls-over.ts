/**
 * TLS that a program puts over a plain server's connection by itself: STARTTLS, or smtp-server, which makes all of its TLS sockets so.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_init(socket, wrap)`, a method of TLS sockets | each calls it once, with what it stands on | 0.12 | such a connection is ended as one without TLS, and register does not drain its server |
 * | `server` of a socket | which server has accepted it, or has made the TLS socket | 0.12 | the same |
 * | `parser` of a socket | whether it has been handed to an HTTP server, which has its own way to end it | 12 | taken for none |
 */
import net from 'node:net';
import { Server, TLSSocket } from 'node:tls';

const over = new WeakMap<object, TLSSocket>();
const listeners = new Set<(socket: TLSSocket, server: net.Server) => void>();
let isWatching = false;

interface Made {
  server?: unknown;
  parser?: unknown;
}

type Init = (this: TLSSocket & Made, socket: unknown, ...rest: unknown[]) => unknown;

/** From now on `tlsOver` knows. */
export function watchTlsOver(): void {
  const methods = TLSSocket.prototype as unknown as { _init?: Init };
  const init = methods._init;
  if (isWatching || typeof init !== 'function') return;
  isWatching = true;
  methods._init = function (socket, ...rest) {
    const result = Reflect.apply(init, this, [socket, ...rest]) as unknown;
    const { server } = (socket ?? {}) as Made;
    if (this.server instanceof Server || !(socket instanceof net.Socket) || !(server instanceof net.Server)) return result;
    over.set(socket, this);
    for (const listener of listeners) listener(this, server);
    return result;
  };
}

/** The TLS socket that stands on this connection of a server. One that a `tls.Server` has made is not meant: that has it. */
export function tlsOver(socket: object): TLSSocket | undefined {
  return over.get(socket);
}

/** Calls `listener` for each new one. */
export function onTlsOver(listener: (socket: TLSSocket, server: net.Server) => void): void {
  watchTlsOver();
  listeners.add(listener);
}

/** Whether an HTTP/1 server reads from it. */
export function isParsed(socket: TLSSocket & Made): boolean {
  return socket.parser !== undefined && socket.parser !== null;
}
