import { clearDeadline, setDeadline, type Waiting } from '../../src/deadline.js';

export class Waiter implements Waiting {
  bucket: Waiting['bucket'];
  place = 0;
  signalled: Waiting['signalled'];
  readonly timeout: number;
  readonly start = performance.now();
  readonly #onTimeout: (waiter: Waiter) => void;
  /** Milliseconds that it took. */
  readonly over: Promise<number>;

  constructor(timeout: number, onTimeout: (waiter: Waiter) => void = () => {}) {
    this.timeout = timeout;
    let resolve: (milliseconds: number) => void;
    this.over = new Promise((r) => (resolve = r));
    this.#onTimeout = (waiter) => {
      clearDeadline(this);
      onTimeout(waiter);
      resolve(performance.now() - this.start);
    };
    setDeadline(this, timeout, undefined);
  }

  onTimeout(): void {
    this.#onTimeout(this);
  }

  onAbort(): void {}
}
