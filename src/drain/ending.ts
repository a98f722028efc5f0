/** How one connection of a drain ends: by a two-way shutdown, or without TLS by an end on both sides. */
import type { Duplex } from 'node:stream';
import { isTLSSocket } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { TlsShutdownError, type ShutdownErrorCode } from '../errors.js';
import { shutdown } from '../shutdown/shutdown.js';
import { endPlain } from './plain.js';

export interface Ending {
  readonly outcome: 'complete' | 'oneWay' | 'failed';
  readonly code?: ShutdownErrorCode;
}

/** Ends `socket`, and destroys nothing. `'in handshake'`: not yet. */
export async function end(socket: Duplex, timeout: number, quiet: boolean): Promise<Ending | 'in handshake'> {
  if (!isTLSSocket(socket)) return endPlain(socket, timeout);
  const { error } = await shutdown(socket, { bidirectional: true, unread: 'discard', timeout, quiet });
  if (error === undefined) return { outcome: 'complete' };
  if (error.code === 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE') return 'in handshake';
  return { outcome: isOneWay(error) ? 'oneWay' : 'failed', code: error.code };
}

/** Our alert and all our data are out, and the peer closed without an alert of its own, or without one that could be seen. */
function isOneWay({ code, state }: TlsShutdownError): boolean {
  return state.sent === 'close_notify' && (code === 'ERR_TLS_SHUTDOWN_TRUNCATED' || code === 'ERR_TLS_SHUTDOWN_UNVERIFIED');
}

/** However it has ended: the application's own `finish` has failed. `getShutdownError` tells of it. */
export function failedByFinish(socket: Duplex, cause: unknown): Ending {
  const code = 'ERR_TLS_SHUTDOWN_FINISH';
  if (isTLSSocket(socket)) {
    const connection = watchSocket(socket);
    connection.lastError = new TlsShutdownError(code, connection.state, socket.readableLength, cause);
  }
  return { outcome: 'failed', code };
}
