import type { Duplex } from 'node:stream';
import { DUPLEX_LISTENER } from './internals.js';

/** Did the `Duplex` under a TLS socket end? Listens before Node does, whose own listener ends the TLS layer. */
export class DuplexEnd {
  seen: boolean;
  readonly #duplex: Duplex;
  readonly #listener: () => void;

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
    this.seen = duplex.readableEnded === true;
    // Its name tells another copy of this package that somebody listens.
    this.#listener = Object.defineProperty(() => void (this.seen = true), 'name', { value: DUPLEX_LISTENER });
    duplex.prependListener('end', this.#listener);
  }

  stop(): void {
    this.#duplex.off('end', this.#listener);
  }
}
