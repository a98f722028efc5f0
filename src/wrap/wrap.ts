/** TLS on a connection that was there before it and is there after it. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { TLSSocket, type ConnectionOptions, type TLSSocketOptions } from 'node:tls';
import { argumentError } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { inHandshake } from '../node/handle.js';
import { releaseErrors, verifyError } from '../node/wrapped.js';
import { destroySurely } from '../shutdown/destroying.js';
import type { ShutdownState } from '../types.js';
import { forwardSocketMethods } from './forward.js';
import { WrappedTransport } from './transport.js';

/** Of a client those of `tls.connect`, of a server those of `new tls.TLSSocket`. The transport is the first argument of `wrap`. */
export type WrapOptions = (ConnectionOptions & { isServer?: false }) | (TLSSocketOptions & { isServer: true });

/** Its number changes when two versions of the package could no longer share a transport. @internal */
export const WRAPPED = Symbol.for('tls-graceful-shutdown.wrapped.1');

/** @internal */
export type WrappedSocket = TLSSocket & { [WRAPPED]?: WrappedTransport };

/**
 * Puts TLS on `transport`; `unwrap` gives the plain connection back. It is as `tls.connect({ socket: transport })`, and with `isServer: true` as
 * `new tls.TLSSocket(transport, options)`, with these differences:
 * - The TLS closure ends TLS only, and sends no FIN.
 * - A server emits `'error'` when TLS or the transport fails, as a client does. (Node's own TLSSocket only closes, or not even that.)
 * - A server with `requestCert` has `authorized` and `authorizationError` set at `'secure'`. With `rejectUnauthorized: true` it destroys the socket of a
 *   client whose certificate does not hold. (Node's own TLSSocket asks for it, and then takes any.)
 *
 * Bytes that are buffered in `transport` already, or put back with `unshift`, are the beginning of TLS. Take your own `'data'` and `'readable'`
 * listeners off it first: they would be given the TLS records. After a clean closure `unwrap` has 5 seconds to be called, which do not keep the process
 * alive; then the transport is destroyed. After any other end of the TLS socket it is destroyed at once.
 *
 * @param transport connected, connecting, or any `Duplex` of bytes. One that is destroyed, has ended or has an encoding set makes the socket
 * emit `'error'` in a later tick. So does one that is given an encoding or a `'readable'` listener while TLS runs, or that gives out anything but bytes.
 * @throws TypeError `ERR_INVALID_ARG_TYPE`; and what `tls.connect` and `new tls.TLSSocket` throw for their options
 * @example
 * const socket = wrap(transport, { servername: 'example.com' });
 * socket.write('secret');
 * const plain = await unwrap(socket); // === transport
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
  const connection = watchSocket(socket);
  const { ours, peer } = connection;
  carrier.start({
    // After a TLS error the transport is read on, as under any TLS socket: its end is what still closes the socket.
    inputEnded: () => connection.life === 'destroyed' || (peer.state !== 'open' && peer.state !== 'error'),
    endsBare: () => ours.isQuiet || inHandshake(socket),
    closedCleanly: () => isComplete(connection.state) && socket.readableEnded && socket.writableFinished,
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

/** @internal */
export function isComplete({ sent, received }: ShutdownState): boolean {
  return sent === 'close_notify' && received === 'close_notify';
}

