import type { Server, TLSSocket } from 'node:tls';
import { argumentError, isServer, isTLSSocket } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { measureHellos } from '../connection/received-bytes.js';
import { unsupported } from '../node/runtime.js';

function tlsShutdownOnSecureConnection(socket: TLSSocket): void {
  watchSocket(socket);
}

/**
 * Records from now on how `target` ends, so that a shutdown called later, also after the peer closed first, has its proof. On a server
 * it watches every socket of `'secureConnection'`. Call it right after `tls.connect`, or before `listen`. Idempotent; starts nothing.
 *
 * @returns `target`
 * @throws TypeError `ERR_INVALID_ARG_TYPE` if `target` is neither a `tls.TLSSocket` nor a `tls.Server`;
 * on Bun `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` for a server of `node:https`
 * @example
 * const socket = watch(tls.connect(443, 'example.com'));
 * socket.resume().once('end', () => console.log(getShutdown(socket).received)); // 'close_notify', 'fin', …
 */
export function watch<T extends TLSSocket | Server>(target: T): T {
  if (isTLSSocket(target)) watchSocket(target);
  else if (!isServer(target)) throw unsupported(target, 'watch') ?? argumentError('target', 'an instance of tls.TLSSocket or tls.Server', target);
  else if (!target.listeners('secureConnection').some((listener) => listener.name === tlsShutdownOnSecureConnection.name)) {
    target.prependListener('secureConnection', tlsShutdownOnSecureConnection);
    measureHellos(target);
  }
  return target;
}
