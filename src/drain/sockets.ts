import type { TLSSocket } from 'node:tls';
import { argumentError, checkSocket, completeDrainOptions, drainOptions } from '../arguments.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { watchSocket } from '../connection/connection.js';
import { Drain } from './drain.js';

/**
 * The two-way shutdown of many sockets: of a pool, say, that exposes them. Each is destroyed afterwards; inbound data that nobody consumes is
 * thrown away. One whose handshake is not finished is waited for, within `grace`.
 *
 * @throws (rejects) TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE`, before any socket is touched
 * @example
 * const { failed, errors } = await drainSockets(pool.sockets, { finish: (socket) => void socket.write('QUIT\r\n') });
 * if (failed > 0) console.log(errors);
 */
export async function drainSockets(sockets: Iterable<TLSSocket>, options: DrainOptions = {}): Promise<DrainReport> {
  if (typeof (sockets as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') throw argumentError('sockets', 'an iterable of tls.TLSSocket', sockets);
  const checked = drainOptions(options);
  const all = new Set(sockets);
  for (const socket of all) checkSocket(socket);
  const drain = new Drain(completeDrainOptions(checked));
  for (const socket of all) {
    watchSocket(socket);
    drain.add(socket);
  }
  for (const socket of all) drain.finish(socket);
  drain.seal();
  return drain.report;
}
