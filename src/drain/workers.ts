/** Clusters: a primary passes the signal on, since a container's stop reaches the primary alone, and a worker leaves its primary when it is done. */
import type { Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import { MAX_TIMEOUT, completeDrainOptions } from '../arguments.js';
import { loaded } from '../builtins.js';
import { markAsEnding, tellOfPrimarysEnd } from '../node/cluster.js';
import type { DrainOptions } from '../types.js';

/** A signal, or the message of a process manager. */
export type Told = NodeJS.Signals | 'shutdown';

/** The workers that a primary has when it is told to end. In any other process there are none. */
export class Workers {
  readonly #left = new Set<Worker>();
  #resolve!: () => void;
  /** All have exited. No worker drains for longer than `grace` and `timeout`, if it has the same options: then nobody waits for it any more. */
  readonly gone: Promise<void>;

  /** @param options checked */
  constructor(told: Told, options: DrainOptions) {
    const { cluster } = loaded;
    const { grace, timeout } = completeDrainOptions(options);
    this.gone = new Promise<void>((resolve) => (this.#resolve = resolve)).then(() => tellLate(told));
    for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined && !worker.isDead()) this.#left.add(worker);
    if (cluster.isPrimary && !cluster.listeners('fork').includes(primaryOnFork)) cluster.on('fork', primaryOnFork);
    if (this.#left.size > 0) {
      cluster.on('exit', this.#onExit);
      if (grace + timeout <= MAX_TIMEOUT) setTimeout(this.#resolve, grace + timeout).unref();
      this.tell(told);
    } else {
      this.#resolve();
    }
  }

  tell(told: Told): void {
    for (const worker of this.#left) tell(worker, told);
  }

  readonly #onExit = (worker: Worker): void => {
    this.#left.delete(worker);
    if (this.#left.size > 0) return;
    loaded.cluster.off('exit', this.#onExit);
    this.#resolve();
  };
}

function tell(worker: Worker, told: Told): void {
  markAsEnding(worker);
  tellOfPrimarysEnd(worker);
  // On Windows a signal to another process ends it at once.
  if (told !== 'shutdown' && process.platform !== 'win32') worker.process.kill(told);
  else if (worker.isConnected()) worker.send('shutdown', () => {}); // it may end meanwhile
}

/** If this is a worker: it is done, and ends if nothing else is left in it. */
export function leavePrimary(): void {
  // A primary that ends at the same moment reads no more: that is no error of the worker's.
  loaded.cluster.worker?.on('error', () => {}).disconnect();
}

/** Those that were started after the signal. */
const late = new Set<Worker>();

/** Some primaries start another worker for each that exits. It is not to serve, nor to keep its primary alive. */
function primaryOnFork(worker: Worker): void {
  markAsEnding(worker);
  late.add(worker);
  const { process: child } = worker;
  child.unref();
  child.channel?.unref();
  for (const stream of child.stdio) (stream as Partial<Socket> | null | undefined)?.unref?.();
}

/** Not before the others are gone: each that exits might bring another one. */
function tellLate(told: Told): void {
  for (const worker of late) tell(worker, told);
  late.clear();
}
