/**
 * HTTP/2 sessions that can be drained without refusing a stream that is on its way: a GOAWAY of 2^31-1 first, and the final one after a round
 * trip (RFC 9113 section 6.8).
 *
 * Node has no call for the first one: after `session.goaway(0, 2 ** 31 - 1)` nghttp2 ignores every later stream, and JS can't write to the
 * `TLSSocket` that a session reads and writes natively (Node aborts). So the session is given a stream of ours in the socket's place, which passes
 * everything on and knows where a frame ends.
 */
import { EventEmitter } from 'node:events';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Carrier, LINGER, type Http2Connection, type Listener } from './carrier.js';

export type { Http2Connection };

/** Node's own listener, which makes the sessions: it is the first that the server got. */
function sessionMaker(server: Http2SecureServer): Listener | undefined {
  return server.listeners('secureConnection').find((listener) => listener.name === 'connectionListener') as Listener | undefined;
}

/**
 * From now on each HTTP/2 session of `server` is carried; calls `onConnection` for each, before Node makes its session. Call it before `listen()`.
 * HTTP/1 sockets of a server with `allowHTTP1`, and those without a protocol, go to Node's own listener as they are.
 */
export function carryHttp2(server: Http2SecureServer, onConnection: (connection: Http2Connection) => void, linger = LINGER): void {
  const makeSession = sessionMaker(server);
  if (makeSession === undefined) return closeSessions(server, onConnection);
  const listeners = server.rawListeners('secureConnection');
  const behind = listeners.slice(listeners.indexOf(makeSession as () => void) + 1) as Listener[];
  const events: EventEmitter = server;
  function tlsShutdownHttp2OnSecureConnection(socket: TLSSocket): void {
    if (socket.alpnProtocol === false || socket.alpnProtocol === 'http/1.1') return void Reflect.apply(makeSession!, server, [socket]);
    const carrier = new Carrier(socket, linger);
    onConnection(carrier);
    const adopt = (session: ServerHttp2Session): void => carrier.adopt(session);
    server.prependOnceListener('session', adopt);
    // As Node does for a socket that it reads natively.
    socket.setNoDelay();
    socket.disableRenegotiation();
    Reflect.apply(makeSession!, server, [carrier]);
    server.off('session', adopt);
  }
  // The order of the listeners stays.
  for (const listener of [makeSession, ...behind]) events.off('secureConnection', listener as () => void);
  for (const listener of [tlsShutdownHttp2OnSecureConnection, ...behind]) events.on('secureConnection', listener as () => void);
}

/** Where Node's listener has another name one day: one GOAWAY, which refuses the streams that are on their way. */
function closeSessions(server: Http2SecureServer, onConnection: (connection: Http2Connection) => void): void {
  server.on('session', (session) => {
    const socket = session.socket.off('tls-shutdown', () => {}) as TLSSocket; // the chaining methods of the proxy give what it stands for
    onConnection({
      socket,
      drain: async () => {
        if (!session.destroyed) session.close();
        if (!socket.writableFinished && !socket.destroyed) await new Promise<void>((resolve) => void socket.once('finish', resolve).once('close', resolve));
      },
    });
  });
}
