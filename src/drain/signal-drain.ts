/** What a signal begins: servers and workers drain, also servers that begin to listen later, and another signal forces what is left. */
import { inNextTurn } from '../connection/turn.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { serverOf, type DrainableServer } from './drainable.js';
import { ProgressSum, sumOfReports } from './sums.js';
import { Workers, type Told } from './workers.js';

/** One Ctrl-C, or one signal to a container, reaches a process twice where npm or the primary of a cluster forwards it, some milliseconds apart. */
const SAME_SIGNAL = 1000; // milliseconds

/** A worker has got the first one later than its primary, and its second is over later. */
const WORKERS_LATER = 200;

export class SignalDrain {
  readonly #options: DrainOptions;
  readonly #progress: ProgressSum | undefined;
  readonly #drains: Promise<DrainReport>[] = [];
  readonly #start = performance.now();
  readonly #force = new AbortController();
  readonly #workers: Workers;

  /** @param options checked */
  constructor(told: Told, options: DrainOptions) {
    const { onProgress, force, ...rest } = options;
    const signal = force === undefined ? this.#force.signal : AbortSignal.any([this.#force.signal, force]);
    this.#options = { ...rest, force: signal };
    if (onProgress !== undefined) this.#progress = new ProgressSum(onProgress);
    this.#workers = new Workers(told, options);
  }

  add(server: DrainableServer): void {
    this.#drains.push(server.drain(this.#progress === undefined ? this.#options : { ...this.#options, onProgress: this.#progress.part() }));
  }

  /** Whenever the server begins to listen from now on. */
  addWhenListening(drainable: DrainableServer): void {
    const server = serverOf(drainable);
    server?.on('listening', () => {
      if (server.listening) this.add(drainable); // and is not emitted by the application
    });
  }

  /** Another signal. */
  again(told: Told): void {
    if (this.#force.signal.aborted || performance.now() - this.#start < SAME_SIGNAL) return;
    this.#force.abort();
    setTimeout(() => this.#workers.tell(told), WORKERS_LATER).unref();
  }

  /** The sum of the reports of all servers that were added until then, when these are drained, and the workers have exited. */
  async report(): Promise<DrainReport> {
    for (let known = -1; known < this.#drains.length; ) {
      known = this.#drains.length;
      await Promise.all(this.#drains);
      await new Promise<void>(inNextTurn); // in which the next one may be added, and the last progress is told
    }
    await this.#workers.gone;
    return sumOfReports(await Promise.all(this.#drains));
  }
}
