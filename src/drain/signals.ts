/** Draining when the process is told to end. */
import { argumentError, drainOptions } from '../arguments.js';
import { loaded } from '../builtins.js';
import type { DrainOptions, DrainReport } from '../types.js';
import type { DrainableServer } from './drainable.js';

export interface DrainOnSignalOptions extends DrainOptions {
  /** Default `['SIGTERM', 'SIGINT']`. */
  signals?: NodeJS.Signals[];
  /** Called once, when all servers are drained; with several, with the sums of their reports and the longest `elapsed`. */
  onDrained?: (report: DrainReport) => void;
}

/**
 * Drains when one of the signals comes, and forces what is left when a second one does. PM2's message `'shutdown'` counts as a signal. It never ends
 * the process: that ends because nothing is left. A `node:cluster` worker is disconnected from its primary after the drain, for the same reason.
 *
 * @returns its disposal stops listening for the signals
 * @example
 * drainOnSignal(drainable(server), { grace: 20_000, onDrained: ({ forced }) => console.log(`${forced} connections were cut off`) });
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_OUT_OF_RANGE`
 */
export function drainOnSignal(server: DrainableServer | DrainableServer[], options: DrainOnSignalOptions = {}): Disposable {
  const servers = Array.isArray(server) ? server : [server];
  for (const one of servers) if (typeof one?.drain !== 'function') throw argumentError('server', 'what drainable() returns, or an array of it', one);
  const checked = drainOptions(options);
  const { signals = ['SIGTERM', 'SIGINT'], onDrained } = options;
  const known = process.getBuiltinModule('node:os').constants.signals;
  const caught = (signal: NodeJS.Signals): boolean => Object.hasOwn(known, signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP';
  if (!Array.isArray(signals) || !signals.every(caught)) throw argumentError('options.signals', 'an array of names of signals that can be caught', signals);
  if (onDrained !== undefined && typeof onDrained !== 'function') throw argumentError('options.onDrained', 'a function', onDrained);

  const force = new AbortController();
  let draining = false;

  const onSignal = (): void => {
    if (draining) return force.abort();
    draining = true;
    void drainAll().then((report) => {
      stop();
      loaded.cluster.worker?.disconnect(); // only a worker has one
      onDrained?.(report);
    });
  };
  const drainAll = async (): Promise<DrainReport> => {
    const signal = checked.force === undefined ? force.signal : AbortSignal.any([force.signal, checked.force]);
    return sum(await Promise.all(servers.map((one) => one.drain({ ...checked, force: signal }))));
  };
  const onMessage = (message: unknown): void => {
    if (message === 'shutdown') onSignal();
  };
  const stop = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
    process.off('message', onMessage);
  };

  for (const signal of signals) process.on(signal, onSignal);
  if (process.send !== undefined) process.on('message', onMessage); // until stop(): such a listener keeps the process alive
  return { [Symbol.dispose]: stop };
}

function sum(reports: readonly DrainReport[]): DrainReport {
  const errors: Partial<Record<string, number>> = {};
  const total = { total: 0, complete: 0, oneWay: 0, failed: 0, forced: 0, elapsed: 0 };
  for (const report of reports) {
    for (const key of ['total', 'complete', 'oneWay', 'failed', 'forced'] as const) total[key] += report[key];
    total.elapsed = Math.max(total.elapsed, report.elapsed);
    for (const [code, count] of Object.entries(report.errors)) errors[code] = (errors[code] ?? 0) + count;
  }
  return { ...total, errors };
}
