/** What a scenario comes to. */
import type { DrainReport } from 'tls-graceful-shutdown';
import type { Left } from './acts/leaving.js';
import type { Timed } from './acts/timed.js';
import type { End } from './end.js';

export interface Row {
  readonly link: string;
  readonly what: string;
  /** How it went. */
  readonly told: string;
  /** The longest call or drain. */
  readonly longest?: Limited;
  readonly wrong: readonly string[];
}

/** Milliseconds behind its limit in which a call has to be over, besides those in which its process stood still. */
const LATE = 150;

export interface Limited extends Timed {
  readonly timeout: number;
}

export const longestOf = (calls: readonly Limited[]): Limited => calls.reduce((longest, call) => (call.milliseconds > longest.milliseconds ? call : longest));

export function tooLate(who: string, calls: readonly Limited[]): string[] {
  const late = calls.filter(({ milliseconds, stalled, timeout }) => milliseconds > timeout + stalled + LATE);
  return late.map(({ milliseconds, stalled, timeout }) => `${who} took ${milliseconds.toFixed(0)} ms of ${timeout}, and the process stood still for ${stalled.toFixed(0)}`);
}

/** `3 times a, b`. */
export function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(', ');
}

export const shortCode = (code: string | undefined): string => (code ?? '').replace('ERR_TLS_SHUTDOWN_', '');

/** The counts that are not 0, and the codes. */
export function reported({ total, complete, oneWay, failed, forced, errors }: DrainReport): string {
  const counts = Object.entries({ complete, oneWay, failed, forced }).filter(([, count]) => count > 0);
  const codes = Object.entries(errors).map(([code, count]) => `${shortCode(code)} ${count}`);
  return `${total}: ${counts.map(([name, count]) => `${count} ${name}`).join(', ')}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}`;
}

/** Nothing may be left in a process whose connections are over. Resolves to how many sockets it had made, and what is wrong. */
export async function leftAt(place: string, end: End): Promise<{ made: number; wrong: string[] }> {
  const { handles, descriptors, uncollected, made }: Left = await end.ask('left', undefined);
  const wrong = [];
  if (handles.length > 0) wrong.push(`${place}: active handles are left: ${counted(handles)}`);
  if (descriptors > 0) wrong.push(`${place}: ${descriptors} descriptors are left`);
  if (uncollected > 0) wrong.push(`${place}: ${uncollected} of ${made} sockets are still in memory`);
  return { made, wrong };
}
