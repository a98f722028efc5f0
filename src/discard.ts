/** What becomes of inbound data that nobody consumes, where it is not kept; what comes in later see `Watch.push`. */
import type { TLSSocket } from 'node:tls';
import type { Watch } from './watched.js';

/** Makes an unconsumed socket flow, so that what comes in is thrown away and can't hold the peer's alert back. */
export function discardUnread(socket: TLSSocket): void {
  if (socket.readableFlowing !== true && socket.listenerCount('readable') === 0) socket.resume();
}

/** Of a quiet shutdown: whoever reads at his own pace does not any more. */
export function discardAll(watch: Watch): void {
  watch.discarding = Infinity;
  discardUnread(watch.socket);
  if (watch.socket.readableFlowing !== true) while (watch.socket.read() !== null);
}
