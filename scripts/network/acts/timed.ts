/** How long something took, and for how long of that this process did not come round: then it was the machine that was late, not the call. */
import { setImmediate } from 'node:timers/promises';

export interface Timed {
  readonly milliseconds: number;
  /** Milliseconds. */
  readonly stalled: number;
}

const EVERY = 20;
const stalls: { at: number; length: number }[] = [];
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - last > 2 * EVERY) stalls.push({ at: now, length: now - last - EVERY });
  last = now;
}, EVERY).unref();

export async function timed<T>(run: () => Promise<T>): Promise<Timed & { result: T }> {
  const began = performance.now();
  const result = await run();
  const milliseconds = performance.now() - began;
  await setImmediate(); // a stall that has just ended is told by then
  const stalled = stalls.reduce((sum, { at, length }) => (at >= began ? sum + length : sum), 0);
  return { result, milliseconds, stalled };
}
