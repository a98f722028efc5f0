/** TLS on a connection that was there before it and is there after it. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { TLSSocket, type ConnectionOptions, type TLSSocketOptions } from 'node:tls';
import { argumentError, checkSocket, checkedShutdownOptions } from './arguments.js';
import { destroySurely } from './destroying.js';
import { TlsShutdownError } from './errors.js';
import { forwardSocketMethods } from './forward.js';
import { inHandshake } from './internals.js';
import { endLinger } from './quiet.js';
import { getShutdown, shutdown } from './shutdown.js';
import { WrappedTransport } from './transport.js';
import type { ShutdownOptions, ShutdownResult, ShutdownState } from './types.js';
import { watchSocket } from './watch.js';
import { releaseErrors, verifyError } from './wrap-internals.js';

/** Of a client those of `tls.connect`, of a server those of `new tls.TLSSocket`. The transport is the first argument of `wrap`. */
export type WrapOptions = (ConnectionOptions & { isServer?: false }) | (TLSSocketOptions & { isServer: true });

/** Options of `unwrap`; they mean what they mean to `gracefulShutdown`. */
export type UnwrapOptions = Pick<ShutdownOptions, 'timeout' | 'unread' | 'signal'>;

/** Its number changes when two versions of the package could no longer share a transport. */
const WRAPPED = Symbol.for('tls-graceful-shutdown.wrapped.1');

type WrappedSocket = TLSSocket & { [WRAPPED]?: WrappedTransport };

/**
 * TLS over `transport`, of which `unwrap` gives the plain connection back. As `tls.connect({ socket: transport })`, and with `isServer: true`
 * as `new tls.TLSSocket(transport, options)`, with these differences: the TLS closure ends TLS only, and sends no FIN; a server emits `'error'`
 * when TLS or the transport fails, as a client does (Node's own TLSSocket only closes, or not even that); and a server with `requestCert`
 * has `authorized` and `authorizationError` set at `'secure'`, and with `rejectUnauthorized: true` destroys the socket of a client whose
 * certificate does not hold (Node's own TLSSocket asks for it, and then takes any).
 *
 * Bytes that are buffered in `transport` already, or put back with `unshift`, are the beginning of TLS. Take your own `'data'` and `'readable'`
 * listeners off it first: they would be given the TLS records. After a clean closure that nobody follows up with `unwrap` the transport is
 * destroyed within 5 seconds, which do not keep the process alive; after any other end of the TLS socket, at once.
 *
 * @param transport connected, connecting, or any `Duplex` of bytes. One that is destroyed, has ended or has an encoding set makes the socket
 * emit `'error'` in a later tick. So does one that is given an encoding or a `'readable'` listener while TLS runs, or that gives out anything but bytes.
 * @throws TypeError `ERR_INVALID_ARG_TYPE`; and what `tls.connect` and `new tls.TLSSocket` throw for their options
 */
export function wrap(transport: Socket | Duplex, options: WrapOptions = {}): TLSSocket {
  if (!isDuplex(transport)) throw argumentError('transport', 'a net.Socket or a Duplex', transport);
  if (typeof options !== 'object' || options === null) throw argumentError('options', 'an object', options);
  const carrier = new WrappedTransport(transport);
  carrier.allowHalfOpen = transport.allowHalfOpen; // the TLSSocket's own is taken from here
  const socket: WrappedSocket = options.isServer === true ? serverSocket(carrier, options) : tls.connect({ ...options, socket: carrier });
  carrier.allowHalfOpen = true;
  socket[WRAPPED] = carrier;
  forwardSocketMethods(socket, transport);
  const watch = watchSocket(socket);
  carrier.start({
    // After a TLS error the transport is read on, as under any TLS socket: its end is what still closes the socket.
    inputEnded: () => watch.judging || watch.destroyed || (watch.state.received !== 'open' && watch.state.received !== 'error'),
    endsBare: () => watch.quiet || inHandshake(socket),
    closedCleanly: () => isComplete(watch.state) && socket.readableEnded && socket.writableFinished,
    destroy: () => destroySurely(socket),
  });
  return socket;
}

/** Also one of another stream library, such as the package readable-stream. */
function isDuplex(transport: unknown): transport is Duplex {
  const { pause, unshift, write, cork, destroy } = (transport ?? {}) as Partial<Duplex>;
  return [pause, unshift, write, cork, destroy].every((method) => typeof method === 'function');
}

function serverSocket(carrier: WrappedTransport, options: TLSSocketOptions): TLSSocket {
  const socket = new TLSSocket(carrier as unknown as Socket, options);
  releaseErrors(socket);
  if (options.requestCert === true) socket.once('secure', () => checkClient(socket, options.rejectUnauthorized === true));
  return socket;
}

function checkClient(socket: TLSSocket, reject: boolean): void {
  const error = verifyError(socket);
  socket.authorized = error === undefined;
  if (error === undefined) return;
  socket.authorizationError = (error.code ?? error.message) as unknown as Error; // a string, as on tls.Server; the types say Error
  if (reject) socket.destroy(error);
}

function isComplete({ sent, received }: ShutdownState): boolean {
  return sent === 'close_notify' && received === 'close_notify';
}

/**
 * Ends TLS on a socket that `wrap` made, with both alerts, and gives the transport back: the very one that went into `wrap`, open, with the first
 * byte after the peer's alert first in line, and nothing of TLS left on it. Called again it gives the same. What was written through TLS is
 * flushed before; data that came through TLS and is unread stays readable on `socket`.
 *
 * It accepts no end but the peer's `close_notify`: whatever else ended TLS, what follows could be anybody's (RFC 8446 section 6.1). So at any
 * -1 of the shutdown, a timeout too, it destroys the transport and rejects.
 *
 * @throws (rejects) `TlsShutdownError`, with the codes of `gracefulShutdown`, and the transport destroyed, except for
 * `ERR_TLS_SHUTDOWN_IN_HANDSHAKE`, which leaves it as it was; TypeError `ERR_INVALID_ARG_VALUE` for a socket that `wrap` did not make,
 * which is left untouched, and the other errors for a caller's mistake; `AbortError` when `signal` is aborted: TLS ends all the same, and
 * the transport is destroyed unless `unwrap` is called again within 5 seconds, which do not keep the process alive; a signal that was aborted before the
 * call leaves all as it was
 */
export async function unwrap(socket: TLSSocket, options: UnwrapOptions = {}): Promise<Duplex> {
  checkSocket(socket);
  const checked = checkedShutdownOptions(options);
  const carrier = (socket as WrappedSocket)[WRAPPED];
  if (carrier === undefined) throw argumentError('socket', 'a socket that wrap() made', socket, 'ERR_INVALID_ARG_VALUE');
  const { state, error, unreadBytes } = await shutdownBoth(socket, carrier, checked);
  if (error?.code === 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE' || flushesQuietly(socket)) throw error;
  let cause: unknown;
  try {
    const plain = isComplete(state) ? carrier.release() : undefined;
    if (plain !== undefined) return plain;
  } catch (thrown) {
    cause = thrown; // by an application's own method of the transport
  }
  carrier.discard();
  destroySurely(socket);
  throw error ?? new TlsShutdownError('ERR_TLS_SHUTDOWN_CLOSED', state, unreadBytes, cause); // closed since the alerts
}

/** A quiet end that has begun destroys the socket, but not before all is flushed that was written. */
function flushesQuietly(socket: TLSSocket): boolean {
  const watch = watchSocket(socket);
  return watch.quiet && !watch.destroyed && !endLinger(watch);
}

/** An abort stops the waiting only: TLS ends all the same, and the next call finds it so. */
async function shutdownBoth(socket: TLSSocket, carrier: WrappedTransport, options: UnwrapOptions): Promise<ShutdownResult> {
  const { signal } = options;
  const all = { ...options, bidirectional: true, quiet: false };
  if (signal?.aborted) return await shutdown(socket, all); // which rejects, and touches nothing
  carrier.claim();
  let goesOn = false;
  try {
    return await shutdown(socket, all);
  } catch (error) {
    goesOn = getShutdown(socket).sent !== 'open';
    throw error;
  } finally {
    carrier.unclaim(goesOn);
  }
}
