/** Waiting for events, with a limit. */
import type { EventEmitter } from 'node:events';

type Sources = readonly (readonly [emitter: EventEmitter, ...events: string[]])[];

/** The first of these events. The listeners come off again. */
export function firstOf(...sources: Sources): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const [emitter, ...events] of sources) for (const event of events) emitter.off(event, done);
      resolve();
    };
    for (const [emitter, ...events] of sources) for (const event of events) emitter.on(event, done);
  });
}

/** Whether `work` is done within so many milliseconds. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, milliseconds, false)));
  try {
    return await Promise.race([work.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}
