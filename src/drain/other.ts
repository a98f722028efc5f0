/** One connection of a drainable server whose protocol is not known here. */
import type { Duplex } from 'node:stream';
import { watchSocket } from '../connection/connection.js';
import { tlsOver, watchTlsOver } from '../node/tls-over.js';
import type { Drain } from './drain.js';

export class OtherConnection {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
    watchTlsOver();
  }

  /** Behind the application's own listener, which may speak first or put TLS over it. */
  drain(drain: Drain): void {
    drain.soon(() => this.#finish(drain));
  }

  #finish(drain: Drain): void {
    const tls = tlsOver(this.#socket);
    if (tls === undefined) return drain.finish(this.#socket);
    watchSocket(tls);
    drain.replace(this.#socket, tls); // the application has put TLS over it: that has to end first
    drain.finish(tls);
  }
}
