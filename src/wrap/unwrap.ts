/** The plain connection back after TLS. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { argumentError, checkSocket, shutdownOptions, type CompleteOptions } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { TlsShutdownError } from '../errors.js';
import { destroySurely } from '../shutdown/destroying.js';
import { endLinger } from '../shutdown/quiet.js';
import { getShutdown, shutdown } from '../shutdown/shutdown.js';
import type { ShutdownOptions, ShutdownResult } from '../types.js';
import type { WrappedTransport } from './transport.js';
import { WRAPPED, isComplete, type WrappedSocket } from './wrap.js';

/** Options of `unwrap`; they mean what they mean to `gracefulShutdown`. */
export type UnwrapOptions = Pick<ShutdownOptions, 'timeout' | 'unread' | 'signal'>;

/**
 * Ends TLS on a socket that `wrap` made, with both alerts, and gives the transport back: the very one that went into `wrap`, open, with the first
 * byte after the peer's alert first in line, and nothing of TLS left on it. Called again it gives the same. What was written through TLS is
 * flushed before; data that came through TLS and is unread stays readable on `socket`.
 *
 * It accepts no end but the peer's `close_notify`: whatever else ended TLS, what follows could be anybody's (RFC 8446 section 6.1). So at any
 * -1 of the shutdown, a timeout too, it destroys the transport and rejects.
 *
 * @throws (rejects) `TlsShutdownError`, with the codes of `gracefulShutdown`. The transport is destroyed then, except at `ERR_TLS_SHUTDOWN_IN_HANDSHAKE`,
 * which leaves it as it was
 * @throws (rejects) TypeError `ERR_INVALID_ARG_VALUE` for a socket that `wrap` did not make, which is left untouched, and the other errors for a
 * caller's mistake
 * @throws (rejects) `AbortError` when `signal` is aborted. TLS ends all the same, and the transport is destroyed unless `unwrap` is called again within
 * 5 seconds, which do not keep the process alive. If the signal was aborted before the call, all is as it was
 * @example
 * const plain = await unwrap(socket, { timeout: 1000 });
 * plain.write('in the clear again');
 */
export async function unwrap(socket: TLSSocket, options: UnwrapOptions = {}): Promise<Duplex> {
  checkSocket(socket);
  const checked = shutdownOptions(options);
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
  const connection = watchSocket(socket);
  return connection.ours.isQuiet && connection.life === 'alive' && !endLinger(connection);
}

/** An abort stops the waiting only: TLS ends all the same, and the next call finds it so. */
async function shutdownBoth(socket: TLSSocket, carrier: WrappedTransport, options: CompleteOptions): Promise<ShutdownResult> {
  const { signal } = options;
  const { timeout, unread } = options;
  const all = { timeout, unread, ...(signal && { signal }), bidirectional: true };
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
