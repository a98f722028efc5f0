/** How long idle HTTP/1 connections wait for one more request. */

interface Wait {
  readonly run: () => void;
  /** When it is over. */
  due: number;
  timer: NodeJS.Timeout | undefined;
}

export class IdleWaits {
  readonly #idleGrace: number;
  #expiry = Infinity;
  readonly #waits = new Set<Wait>();

  constructor(idleGrace: number) {
    this.#idleGrace = idleGrace;
  }

  /** When the drain is forced. It only comes nearer. */
  set expiry(expiry: number) {
    this.#expiry = expiry;
    for (const wait of this.#waits) this.#set(wait);
  }

  /** Calls `run` when a connection that is idle from now on has waited long enough. @returns takes it back */
  add(run: () => void): () => void {
    const wait: Wait = { run, due: Infinity, timer: undefined };
    this.#waits.add(wait);
    this.#set(wait);
    return () => this.#remove(wait);
  }

  #remove(wait: Wait): void {
    clearTimeout(wait.timer);
    this.#waits.delete(wait);
  }

  /** A wait that does not end before the drain does is a quarter of what is left, so that there is time to close. */
  #set(wait: Wait): void {
    const now = performance.now();
    const left = Math.max(this.#expiry - now, 0);
    const length = this.#idleGrace < left || left === Infinity ? this.#idleGrace : left / 4;
    if (now + length >= wait.due) return;
    wait.due = now + length;
    clearTimeout(wait.timer);
    const over = (): void => (this.#remove(wait), wait.run());
    if (length === 0) over();
    else wait.timer = setTimeout(over, length).unref();
  }
}
