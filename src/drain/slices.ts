/** Not too much in one turn of the event loop: requests in flight are served between two slices. */
import { inNextTurn } from '../turn.js';

/**
 * How many sockets begin to close, or are freed, in one turn. Of 10,000 the longest stall is 0.045 times that of closing all in one turn; with 64 it
 * was 0.03, and the CPU time 7 to 17 % more (Node 20 and 26).
 */
const SLICE = 256;

/** How many that are done may wait to be freed: OpenSSL keeps 17 kB for each, 140 MB in all. (1,024 cost 10 % more CPU.) */
const MOST_HELD = 8192;

type Task = (arg: unknown) => void;

export class Slices {
  /** Each task, and then its argument. */
  readonly #tasks: unknown[] = [];
  /** The same, of sockets that are done. */
  readonly #frees: unknown[] = [];
  #freeing = false;
  #scheduled = false;
  readonly #onFreed: () => void;

  /** `onFreed` is called when nothing is held any more. */
  constructor(onFreed: () => void) {
    this.#onFreed = onFreed;
  }

  /** Calls `run(arg)` in one of the next turns, outside of read callbacks. */
  add<T>(run: (arg: T) => void, arg: T): void {
    this.#tasks.push(run, arg);
    this.#schedule();
  }

  /**
   * While others are to be closed, sockets are freed many at a time. One by one they leave holes in the heap, among which malloc searches for the
   * buffer of each alert that is sent meanwhile (17 kB): 10 to 30 us of CPU (10,000 connections, glibc 2.36, Node 20 and 26).
   */
  readonly freeLater = (free: () => void): void => {
    if (this.#tasks.length === 0) free();
    else this.#frees.push(free, undefined);
  };

  /** Whether some wait to be freed. */
  get holding(): boolean {
    return this.#frees.length > 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    inNextTurn(runSlice, this);
  }

  run(): void {
    this.#scheduled = false;
    if (this.#frees.length > (this.#tasks.length > 0 ? 2 * MOST_HELD : 0)) this.#freeing = true;
    const tasks = this.#freeing ? this.#frees : this.#tasks;
    const slice = tasks.splice(0, 2 * SLICE);
    let i = 0;
    try {
      while (i < slice.length) {
        const run = slice[i++] as Task;
        run(slice[i++]);
      }
    } finally {
      tasks.unshift(...slice.slice(i)); // a task that threw (an application's listener) must not take the others' turn away
      if (this.#tasks.length > 0 || this.#frees.length > 0) this.#schedule();
      if (this.#freeing && this.#frees.length === 0) {
        this.#freeing = false;
        this.#onFreed();
      }
    }
  }
}

function runSlice(slices: Slices): void {
  slices.run();
}
