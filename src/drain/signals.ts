/** Draining when the process is told to end. */
import { argumentError, checkFunction, drainOptions, signalNames } from '../arguments.js';
import type { DrainOptions, DrainReport } from '../types.js';
import type { DrainableServer } from './drainable.js';
import { onShutdownMessage } from './parent.js';
import { SignalDrain } from './signal-drain.js';
import { leavePrimary, type Told } from './workers.js';

export interface DrainOnSignalOptions extends DrainOptions {
  /** Default `['SIGTERM', 'SIGINT']`. */
  signals?: NodeJS.Signals[];
  /**
   * Called once, when all servers are drained; with several, with the sums of their reports and the longest `elapsed`. What it returns is awaited: until then
   * we listen for the signals, and a worker of a cluster keeps its channel to the primary. An error of it is not caught here.
   */
  onDrained?: (report: DrainReport) => void | Promise<void>;
}

interface Listening {
  readonly servers: ReadonlySet<DrainableServer>;
  readonly signals: readonly NodeJS.Signals[];
}

const all = new Set<Listening>();

/**
 * Whether a call of `drainOnSignal` drains this server when that comes.
 *
 * @internal
 */
export function isDrainedOnSignal(server: DrainableServer, told: Told): boolean {
  return [...all].some(({ servers, signals }) => servers.has(server) && (told === 'shutdown' || signals.includes(told)));
}

/**
 * Drains when one of the signals comes, and forces what is left when another one does, at least a second later: one Ctrl-C can reach a process twice. PM2's
 * message `'shutdown'` counts as a signal. A server that begins to listen after the signal is drained at once. It never ends the process: that ends because
 * nothing is left. A `node:cluster` worker is disconnected from its primary after the drain, for the same reason.
 *
 * In the primary of a cluster it passes the signal on to the workers, who drain if they call it, too, and waits for their exit. An empty array will do there.
 *
 * @returns its disposal stops listening for the signals; a drain that has begun goes on
 * @example
 * drainOnSignal(drainable(server), { grace: 20_000, onDrained: ({ forced }) => console.log(`${forced} connections were cut off`) });
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_OUT_OF_RANGE`
 */
export function drainOnSignal(server: DrainableServer | DrainableServer[], options: DrainOnSignalOptions = {}): Disposable {
  const servers = new Set(Array.isArray(server) ? server : [server]);
  for (const one of servers) if (typeof one?.drain !== 'function') throw argumentError('server', 'what drainable() returns, or an array of it', one);
  const checked = drainOptions(options);
  const signals = signalNames(options.signals);
  const { onDrained } = options;
  checkFunction('options.onDrained', onDrained);

  let drain: SignalDrain | undefined;
  const onSignal = (told: Told): void => {
    if (drain !== undefined) return drain.again(told);
    drain = new SignalDrain(told, checked);
    for (const one of servers) {
      drain.add(one);
      drain.addWhenListening(one);
    }
    void end(drain);
  };
  const end = async (begun: SignalDrain): Promise<void> => {
    try {
      const report = await begun.report();
      await onDrained?.(report);
    } finally {
      leavePrimary();
      stop();
    }
  };

  const stopMessages = onShutdownMessage(() => onSignal('shutdown'));
  for (const signal of signals) process.on(signal, onSignal);
  const listening: Listening = { servers, signals };
  all.add(listening);
  const stop = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
    stopMessages();
    all.delete(listening);
  };
  return { [Symbol.dispose]: stop };
}
