/**
 * Processes of a cluster, and those that have a channel to their parent.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `exitedAfterDisconnect` of a worker | documented; but also, a primary answers no `listen()` of a worker that has it | 18 | a worker that is started after the signal serves, and is cut off when its primary ends |
 * | `unrefCounted()`, `refCounted()` of the channel | documented as what a `'message'` listener does; but ours is to keep no process alive | 14 | it does, for as long as a server listens |
 * | `internalMessage`, messages whose `cmd` is Node's | documented, as not for programs, who do not see them: a primary tells its worker that it ends, too | 0.6 | a worker whose own handler only closes its server holds its primary up |
 */
import type { Worker } from 'node:cluster';

/** The primary starts no other worker for it, if it asks why one has ended, and lets it listen no more. */
export function markAsEnding(worker: Worker): void {
  worker.exitedAfterDisconnect = true;
}

const PRIMARY_ENDS = 'NODE_TLS_GRACEFUL_SHUTDOWN_PRIMARY_ENDS';

/** For `onPrimaryEnds` of the worker. */
export function tellOfPrimarysEnd(worker: Worker): void {
  if (worker.isConnected()) worker.send({ cmd: PRIMARY_ENDS }, () => {}); // it may end meanwhile
}

/** Calls `run` when the primary of this worker is told to end. */
export function onPrimaryEnds(run: () => void): void {
  const internal = process as unknown as { on(event: 'internalMessage', listener: (message: unknown) => void): void };
  if (process.send === undefined) return;
  internal.on('internalMessage', (message) => {
    if ((message as { cmd?: unknown } | null)?.cmd === PRIMARY_ENDS) run();
  });
}

interface Channel {
  refCounted?(): void;
  unrefCounted?(): void;
}

/** Adds a listener for messages of the parent that does not keep the process alive. @returns takes it off */
export function onParentMessage(listener: (message: unknown, handle: unknown) => void): () => void {
  const channel = process.channel as Channel | null | undefined;
  const counts = typeof channel?.refCounted === 'function' && typeof channel.unrefCounted === 'function';
  process.on('message', listener);
  if (counts) channel.unrefCounted!();
  return () => {
    if (counts) channel.refCounted!();
    process.off('message', listener);
  };
}
