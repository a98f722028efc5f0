/** What a quiet shutdown does besides: inbound data is not kept (of what comes in later see `Watch.push`), and the socket is destroyed at its end. */
import type { TLSSocket } from 'node:tls';
import { destroySurely, makeDestroySafe } from './destroying.js';
import { inNextTurn } from './turn.js';
import type { Watch } from './watched.js';

/** Makes an unconsumed socket flow, so that what comes in is thrown away and can't hold the peer's alert back. */
export function discardUnread(socket: TLSSocket): void {
  if (socket.readableFlowing !== true && socket.listenerCount('readable') === 0) socket.resume();
}

/** The socket ends without an alert, and keeps nothing that comes in, whatever becomes of the call. */
export function beginQuiet(watch: Watch): void {
  watch.quiet = true;
  watch.discarding++;
}

/** Of a quiet shutdown: whoever reads at his own pace does not any more, and the socket will be destroyed. */
export function discardAll(watch: Watch): void {
  makeDestroySafe(watch.socket);
  discardUnread(watch.socket);
  if (watch.socket.readableFlowing !== true) while (watch.socket.read() !== null);
}

/** The time of a quiet shutdown is over: the socket is destroyed if all that was written is flushed; `false` if not. */
export function endLinger(watch: Watch): boolean {
  const { socket, state } = watch;
  const flushed = watch.quiet ? socket.writableLength === 0 : state.sent !== 'open' && state.sent !== 'queued';
  if (!flushed) return false;
  if (watch.quiet) watch.apply('quiet_fin');
  destroySurely(socket);
  return true;
}

/** The end of a quiet shutdown: everything is flushed and the peer has ended its side, or it was our alert that went out before. */
export function closeFlushed(watch: Watch): void {
  const { sent, received } = watch.state;
  if (!watch.judging && sent !== 'open' && sent !== 'queued' && received !== 'open') inNextTurn(destroy, watch);
}

function destroy(watch: Watch): void {
  destroySurely(watch.socket);
}
