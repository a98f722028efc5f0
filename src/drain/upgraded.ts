/** A connection whose request for another protocol (WebSocket, `CONNECT`) the application may not have answered yet. */
import type net from 'node:net';
import { putMethod } from '../connection/methods.js';

/** Made when the application is given the request. The answer is the first that it writes from then on, or its end. */
export class Upgrade {
  readonly #socket: net.Socket;
  /** What was written before; `undefined` of a `Duplex`, which does not count. */
  readonly #before: number | undefined;
  #isAnswered = false;
  #onAnswer = (): void => {};

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#before = socket.bytesWritten;
    if (this.#before === undefined) this.#lookAtWrites();
  }

  /** Calls `done` once the request is answered: `now` if it is already. */
  whenAnswered(done: (now: boolean) => void): void {
    if (this.#isAnswered || this.#socket.writableEnded || this.#socket.bytesWritten !== this.#before) return done(true);
    this.#onAnswer = () => done(false);
    if (this.#before !== undefined) this.#lookAtWrites();
  }

  readonly #answered = (): void => {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#onAnswer();
  };

  /** Not `write`: an application may have a reference to it. */
  #lookAtWrites(): void {
    const socket = this.#socket;
    for (const name of ['_write', '_writev'] as const) {
      const method = socket[name] as ((...args: unknown[]) => void) | null | undefined;
      if (typeof method !== 'function') continue; // a Duplex may have no _writev
      putMethod(socket, name, (...args: unknown[]) => {
        this.#answered();
        Reflect.apply(method, socket, args);
      });
    }
    socket.once('finish', this.#answered); // of an end() without an answer
  }
}
