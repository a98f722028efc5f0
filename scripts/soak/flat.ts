/** Does it stay as it was? What a process holds, when nothing is under way, over time. */
import { readdirSync } from 'node:fs';
import { collect } from '../../test/support/gc.js';

export interface Sample {
  readonly minutes: number;
  /** In bytes, collected. */
  readonly heap: number;
  /** Of the whole process, in bytes: allocations outside of the heap are in it, and what the allocator keeps. */
  readonly rss: number;
  /** What `process.getActiveResourcesInfo()` lists. */
  readonly handles: number;
  readonly descriptors: number;
}

export type Held = Exclude<keyof Sample, 'minutes'>;

export async function sample(minutes: number): Promise<Sample> {
  await collect();
  const { heapUsed: heap, rss } = process.memoryUsage();
  return { minutes, heap, rss, handles: process.getActiveResourcesInfo().length, descriptors: readdirSync('/proc/self/fd').length };
}

export interface Slope {
  readonly perMinute: number;
  /** The standard error of that. */
  readonly noise: number;
  readonly least: number;
  readonly most: number;
}

/** The line of least squares through them. */
export function slopeOf(samples: readonly Sample[], held: Held): Slope {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [times, values] = [samples.map(({ minutes }) => minutes), samples.map((each) => each[held])];
  const [middle, level] = [mean(times), mean(values)];
  const spread = times.reduce((sum, time) => sum + (time - middle) ** 2, 0);
  const perMinute = times.reduce((sum, time, i) => sum + (time - middle) * (values[i]! - level), 0) / spread;
  const residue = times.reduce((sum, time, i) => sum + (values[i]! - level - perMinute * (time - middle)) ** 2, 0);
  return { perMinute, noise: Math.sqrt(residue / (samples.length - 2) / spread), least: Math.min(...values), most: Math.max(...values) };
}
