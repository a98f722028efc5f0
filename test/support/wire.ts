/** Two ends of a connection in memory, with somebody in the middle. */
import { Duplex } from 'node:stream';

type Callback = (error?: Error | null) => void;

export class WireEnd extends Duplex {
  /** All that was written here, and all that arrived here. */
  readonly sent: Buffer[] = [];
  readonly received: Buffer[] = [];
  other!: WireEnd;
  /** What becomes of a chunk on its way to the other end. */
  tamper: (chunk: Buffer) => Buffer[] = (chunk) => [chunk];

  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => {});
  }

  get sentBytes(): number {
    return this.sent.reduce((sum, { length }) => sum + length, 0);
  }

  /** As if it had come from the other end. */
  arrive(chunk: Buffer): void {
    if (this.destroyed || this.readableEnded || chunk.length === 0) return;
    this.received.push(chunk);
    this.push(chunk);
  }

  /** The FIN. */
  finish(): void {
    if (!this.destroyed) this.push(null);
    this.arrive = () => {};
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.sent.push(chunk);
    for (const part of this.tamper(chunk)) setImmediate(() => this.other.arrive(part));
    setImmediate(callback);
  }

  override _final(callback: Callback): void {
    setImmediate(() => this.other.finish());
    setImmediate(callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    setImmediate(() => this.other.finish());
    callback(error);
  }
}

export function wire(): [WireEnd, WireEnd] {
  const [a, b] = [new WireEnd(), new WireEnd()];
  a.other = b;
  b.other = a;
  return [a, b];
}
