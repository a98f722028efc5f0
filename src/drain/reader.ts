/** A connection has ended on both sides, and still somebody reads it, at his own pace. */
import type { Duplex } from 'node:stream';

/** Calls `done` when he has read to the end; at once where nobody reads. */
export function whenRead(socket: Duplex, done: () => void): void {
  const hasReader = socket.listenerCount('data') > 0 || socket.listenerCount('readable') > 0;
  if (!hasReader || socket.readableEnded || socket.destroyed) return done();
  const socketOnEnd = (): void => {
    socket.off('end', socketOnEnd).off('close', socketOnEnd);
    done();
  };
  socket.on('end', socketOnEnd).on('close', socketOnEnd);
}
