/**
 * Processes of a cluster, and those that have a channel to their parent.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `exitedAfterDisconnect` of a worker | documented; but also, a primary answers no `listen()` of a worker that has it | 18 | a worker that is started after the signal serves, and is cut off when its primary ends |
 * | `unrefCounted()`, `refCounted()` of the channel | documented as what a `'message'` listener does; but ours is to keep no process alive | 14 | it does, for as long as a server listens |
 */
import type { Worker } from 'node:cluster';

/** The primary starts no other worker for it, if it asks why one has ended, and lets it listen no more. */
export function markAsEnding(worker: Worker): void {
  worker.exitedAfterDisconnect = true;
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
