/** Not too much in one turn of the event loop: requests in flight are served between two slices. */
import { inNextTurn } from '../connection/turn.js';

/** How many sockets begin to close in one turn. */
const SLICE = 128;

export class Slices {
  #tasks: (() => void)[] = [];

  /** Calls `run` in one of the next turns, outside of read callbacks. */
  add(run: () => void): void {
    if (this.#tasks.push(run) === 1) inNextTurn(() => this.#runSlice());
  }

  #runSlice(): void {
    const slice = this.#tasks.slice(0, SLICE);
    let done = 0;
    try {
      while (done < slice.length) slice[done++]!();
    } finally {
      this.#tasks = this.#tasks.slice(done); // a task that threw (an application's listener) must not take the others' turn away
      if (this.#tasks.length > 0) inNextTurn(() => this.#runSlice());
    }
  }
}
