/** The sum of what several drains report, in words. */
import type { DrainReport } from '../src/types.js';

export function describe(reports: readonly DrainReport[]): string {
  const sum = (key: 'total' | 'complete' | 'oneWay' | 'failed' | 'forced'): number => reports.reduce((all, report) => all + report[key], 0);
  const codes: Record<string, number> = {};
  for (const [code, count] of reports.flatMap(({ errors }) => Object.entries(errors))) codes[code] = (codes[code] ?? 0) + count;
  const longest = Math.round(Math.max(...reports.map(({ elapsed }) => elapsed)));
  const counts = `of ${sum('total')} connections ${sum('complete')} complete, ${sum('oneWay')} oneWay, ${sum('failed')} failed, ${sum('forced')} forced`;
  return `${counts}, the longest drain ${longest} ms${Object.entries(codes).map(([code, count]) => `, ${code} ${count}`).join('')}`;
}
