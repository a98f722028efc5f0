/** Several drains that are reported as one. */
import { inNextTurn } from '../connection/turn.js';
import type { DrainProgress, DrainReport } from '../types.js';

const COUNTS = ['total', 'complete', 'oneWay', 'failed', 'forced'] as const;

export function sumOfReports(reports: readonly DrainReport[]): DrainReport {
  const errors: Partial<Record<string, number>> = {};
  const sum = { total: 0, complete: 0, oneWay: 0, failed: 0, forced: 0, elapsed: 0 };
  for (const report of reports) {
    for (const key of COUNTS) sum[key] += report[key];
    sum.elapsed = Math.max(sum.elapsed, report.elapsed);
    for (const [code, count] of Object.entries(report.errors)) errors[code] = (errors[code] ?? 0) + count;
  }
  return { ...sum, errors };
}

/** How far several drains are together. */
export class ProgressSum {
  readonly #listener: (progress: DrainProgress) => void;
  /** The last that each drain has told. */
  readonly #parts: DrainProgress[] = [];
  #telling: NodeJS.Immediate | undefined;

  constructor(listener: (progress: DrainProgress) => void) {
    this.#listener = listener;
  }

  /** The listener of one more drain. */
  part(): (progress: DrainProgress) => void {
    const index = this.#parts.length;
    this.#parts.push({ total: 0, remaining: 0, complete: 0, oneWay: 0, failed: 0, forced: 0 });
    return (progress) => {
      this.#parts[index] = progress;
      this.#telling ??= inNextTurn(() => this.#tell());
    };
  }

  #tell(): void {
    this.#telling = undefined;
    const sum = { total: 0, remaining: 0, complete: 0, oneWay: 0, failed: 0, forced: 0 };
    for (const part of this.#parts) for (const key of [...COUNTS, 'remaining'] as const) sum[key] += part[key];
    this.#listener(sum);
  }
}
