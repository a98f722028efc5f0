/** The line that says what is waited for, on a terminal. */
import type { Observer } from '../run.js';
import { COLUMNS } from './ladder.js';

interface Stream {
  write(text: string): unknown;
}

const INTERVAL = 100;
const CLEAR = '\r\x1b[K';

export class Progress implements Observer {
  readonly open = new Set<string>();
  readonly #stream: Stream;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#timer = setInterval(() => this.onChange(), INTERVAL);
  }

  onChange(): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    const text = `${seconds} s, waiting for ${[...this.open].join(', ') || 'nothing'}`;
    this.#stream.write(CLEAR + (text.length < COLUMNS ? text : `${text.slice(0, COLUMNS - 4)}...`));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#stream.write(CLEAR);
  }
}
