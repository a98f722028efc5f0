/** What a quiet shutdown does besides: inbound data is not kept (of what comes in later see `Connection.push`), and the socket is destroyed at its end. */
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { inNextTurn } from '../connection/turn.js';
import { destroySurely, makeDestroySafe } from './destroying.js';

/** Makes an unconsumed socket flow, so that what comes in is thrown away and can't hold the peer's alert back. */
export function discardUnread(socket: Duplex): void {
  if (socket.readableFlowing !== true && socket.listenerCount('readable') === 0) socket.resume();
}

/** A quiet shutdown throws everything away, also what somebody reads at his own pace, and the socket will be destroyed. */
export function discardAll({ socket }: Connection): void {
  makeDestroySafe(socket);
  discardUnread(socket);
  if (socket.readableFlowing !== true) while (socket.read() !== null);
}

/** The time of a quiet shutdown is over. If all that was written is flushed, the socket is destroyed; `false` if not. */
export function endLinger({ socket, ours }: Connection): boolean {
  if (ours.isQuiet ? socket.writableLength > 0 : !ours.isDone) return false;
  if (ours.isQuiet) ours.flushedQuietly();
  destroySurely(socket);
  return true;
}

/** Ends a quiet shutdown when everything is flushed and the peer has ended its side. (Our side may have ended before, by an alert.) */
export function endFlushed({ socket, ours, peer }: Connection): void {
  if (ours.isDone && peer.isOver) inNextTurn(() => destroySurely(socket));
}
