import type * as net from 'node:net';
import { argumentError, completeDrainOptions, drainOptions, isSocket, isTLSSocket } from '../arguments.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { watchSocket } from '../connection/connection.js';
import { Drain } from './drain.js';

/**
 * Ends many sockets on both sides, those with TLS by a two-way shutdown: of a pool, say, that exposes them. Each is given to `finish` first, if there is one, and
 * destroyed afterwards; inbound data that nobody consumes is thrown away. One whose handshake is not finished has `timeout` to finish it.
 *
 * @throws (rejects) TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE`, before any socket is touched
 * @example
 * const { failed, errors } = await drainSockets(pool.sockets, { finish: (socket) => void socket.write('QUIT\r\n') });
 * if (failed > 0) console.log(errors);
 */
export async function drainSockets(sockets: Iterable<net.Socket>, options: DrainOptions = {}): Promise<DrainReport> {
  if (typeof (sockets as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') throw argumentError('sockets', 'an iterable of net.Socket', sockets);
  const checked = drainOptions(options);
  const all = new Set(sockets);
  for (const socket of all) if (!isSocket(socket)) throw argumentError('socket', 'an instance of net.Socket', socket);
  const drain = new Drain(completeDrainOptions(checked));
  for (const socket of all) {
    if (isTLSSocket(socket)) watchSocket(socket);
    drain.add(socket);
  }
  for (const socket of all) drain.finish(socket);
  drain.seal();
  return drain.report;
}
