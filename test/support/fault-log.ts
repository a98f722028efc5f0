/** What a fault proxy writes down of one direction: what the sender sent, what the receiver was given, and whether the two are the same. It has the keys, to see what is in a record. */
import { ALERT, DATA, type Direction, type Opened } from './sealing.js';

export interface Sealed {
  readonly bytes: Buffer;
  /** Where it ends among the sender's bytes. */
  readonly end: number;
  /** `undefined` in the handshake, or while there are no keys. */
  opened: Opened | undefined;
}

const CLOSE_NOTIFY = Buffer.from([1, 0]);

export class LaneLog {
  readonly records: Sealed[] = [];
  /** The sender's own FIN, and one that the receiver was given, forged or not. */
  finSent = false;
  finDelivered = false;
  wasReset = false;
  /** The clock when the sender's `close_notify` was here; and when it had been delivered, and all before it, unchanged. */
  closedAt: number | undefined;
  crossedAt: number | undefined;
  /** So many of the sender's first bytes have been delivered, unchanged and nothing between them. */
  intact = 0;
  readonly #delivered: Buffer[] = [];
  readonly #direction: () => Direction | undefined;
  #deliveredBytes = 0;
  #tried = 0;
  #sent: Buffer = Buffer.alloc(0);
  #pendingFrom = 0;

  constructor(direction: () => Direction | undefined) {
    this.#direction = direction;
  }

  /** The records that this chunk completes. */
  add(chunk: Buffer): Sealed[] {
    this.#sent = Buffer.concat([this.#sent, chunk]);
    const complete: Sealed[] = [];
    for (;;) {
      const left = this.#sent.length - this.#pendingFrom;
      if (left < 5) break;
      const length = 5 + this.#sent.readUInt16BE(this.#pendingFrom + 3);
      if (left < length) break;
      const end = this.#pendingFrom + length;
      complete.push({ bytes: this.#sent.subarray(this.#pendingFrom, end), end, opened: undefined });
      this.#pendingFrom = end;
    }
    this.records.push(...complete);
    this.openAll();
    return complete;
  }

  openAll(): void {
    const direction = this.#direction();
    if (direction === undefined) return;
    for (; this.#tried < this.records.length; this.#tried++) {
      const record = this.records[this.#tried]!;
      record.opened = direction.open(record.bytes);
      if (isCloseNotify(record)) this.closedAt ??= performance.now();
    }
  }

  delivered(bytes: Buffer): void {
    if (this.intact === this.#deliveredBytes) {
      const expected = this.#sent.subarray(this.intact, this.intact + bytes.length);
      let same = 0;
      if (expected.equals(bytes)) same = bytes.length;
      else while (same < expected.length && expected[same] === bytes[same]) same++;
      this.intact += same;
    }
    this.#delivered.push(bytes);
    this.#deliveredBytes += bytes.length;
    if (this.#alertEnd <= this.intact) this.crossedAt ??= performance.now();
  }

  get #alertEnd(): number {
    return this.records.find(isCloseNotify)?.end ?? Infinity;
  }

  /** What was delivered behind the sender's alert. */
  get behindAlert(): Buffer {
    return Buffer.concat(this.#delivered).subarray(this.#alertEnd);
  }

  /** The plaintext that was sent up to `end` of the sender's bytes. */
  plaintext(end = Infinity): Buffer {
    return Buffer.concat(this.records.filter((record) => record.end <= end && record.opened?.type === DATA).map((record) => record.opened!.content));
  }

  get sentFatalAlert(): boolean {
    return this.records.some(({ opened }) => opened?.type === ALERT && opened.content[0] === 2);
  }
}

function isCloseNotify({ opened }: Sealed): boolean {
  return opened?.type === ALERT && opened.content.equals(CLOSE_NOTIFY);
}
