/** The links that everything has to live with. */
import type { Condition } from './link.js';

export interface Weather {
  readonly name: string;
  readonly condition: Condition;
  /** Bytes that a connection carries each way, as many as the link takes in some seconds. */
  readonly length: number;
  /** Milliseconds an idle connection of a drained server waits for a request that may have to be sent several times. Undefined: the default. */
  readonly idleGrace?: number;
}

export const WEATHERS: readonly Weather[] = [
  { name: 'nothing wrong', condition: {}, length: 200_000 },
  { name: '5 % loss', condition: { loss: 5 }, length: 100_000, idleGrace: 5000 },
  { name: '100 ms ± 50', condition: { delay: 100, jitter: 50 }, length: 100_000 },
  { name: '20 ms, 25 % reordered', condition: { delay: 20, reorder: 25 }, length: 100_000 },
  { name: '64 kbit/s', condition: { rate: 64, queue: 50 }, length: 2000, idleGrace: 5000 },
  { name: '5 % loss, 100 ms ± 50, 10 % reordered, 1 Mbit/s', condition: { loss: 5, delay: 100, jitter: 50, reorder: 10, rate: 1000, queue: 50 }, length: 30_000, idleGrace: 5000 },
];

/** Of a short run: one that has everything. */
export const SHORT: readonly Weather[] = [{ ...WEATHERS.at(-1)!, length: 10_000 }];
/** Too slow for what is in work. */
export const SLOW: Weather = { ...WEATHERS.find(({ name }) => name === '64 kbit/s')!, name: '64 kbit/s, too slow' };
/** Before the silence. */
export const SILENT: Weather = { name: 'silent for good', condition: {}, length: 10_000 };
