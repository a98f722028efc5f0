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

  /**
   * @param options checked
   * @param fallback that of the servers, which tells how long their drains may take
   */
  constructor(told: Told, options: DrainOptions, fallback: DrainOptions = options) {
    const { onProgress, force, ...rest } = options;
    const signal = force === undefined ? this.#force.signal : AbortSignal.any([this.#force.signal, force]);
    this.#options = { ...rest, force: signal };
    if (onProgress !== undefined) this.#progress = new ProgressSum(onProgress);
    this.#workers = new Workers(told, fallback);
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

  /** Whether a signal that comes now is taken for the first one. */
  get isRepeated(): boolean {
    return performance.now() - this.#start < SAME_SIGNAL;
  }

  /** Another signal. */
  again(told: Told): void {
    if (this.#force.signal.aborted || this.isRepeated) return;
    this.#force.abort();
    setTimeout(() => this.#workers.tell(told), WORKERS_LATER).unref();
  }

  /** The sum of the reports of all servers that were added until then, when these are drained, and the workers have exited. */
  async report(): Promise<DrainReport> {
    await new Promise<void>(inNextTurn); // for those that are added in this one
    let known: number;
    do {
      known = this.#drains.length;
      await Promise.all(this.#drains);
    } while (known < this.#drains.length);
    await this.#workers.gone;
    return sumOfReports(await Promise.all(this.#drains));
  }
}
