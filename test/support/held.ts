/** A transport that takes nothing while it is held. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type Callback = (error?: Error | null) => void;

export class HeldTransport extends Duplex {
  bytesRead = 0;
  readonly #socket: Socket;
  #held = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.bytesRead += chunk.length;
      this.push(chunk);
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    this.on('error', () => {});
  }

  set held(held: boolean) {
    this.#held = held;
    if (!held) for (const go of this.#waiting.splice(0)) go();
  }

  #whenFree(go: () => void): void {
    if (this.#held) this.#waiting.push(go);
    else go();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#whenFree(() => this.#socket.write(chunk, callback));
  }

  override _final(callback: Callback): void {
    this.#whenFree(() => this.#socket.end(() => callback()));
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#socket.destroy();
    callback(error);
  }
}
