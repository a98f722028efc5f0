/**
 * The `'error'` listener that a socket has from its first shutdown call until `'close'`: a late error can't end the process any more. Why it failed
 * is in its watch, and listeners of others still hear it.
 */
import type { TLSSocket } from 'node:tls';
import { WATCH, type Shadowed } from './shadow.js';

export function holdErrors(socket: TLSSocket, destroyed: boolean): void {
  socket.on('error', tlsShutdownOnError);
  if (destroyed) socket.on('close', tlsShutdownOnClose);
}

/** At the socket's end: at once if nothing can come any more, so that no second listener is needed for it. */
export function releaseErrors(socket: TLSSocket, atOnce: boolean): void {
  if (atOnce) socket.off('error', tlsShutdownOnError);
  else socket.on('close', tlsShutdownOnClose);
}

function tlsShutdownOnError(this: Shadowed, error: Error): void {
  this[WATCH]!.onError(error);
}

function tlsShutdownOnClose(this: Shadowed): void {
  this.off('error', tlsShutdownOnError);
  this.off('close', tlsShutdownOnClose);
}
