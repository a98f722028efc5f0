/** What a fault proxy writes down of one direction: what the sender sent, what the receiver was given, and whether the two are the same. It has the keys, to see what is in a record. */
import { turns } from './pair.js';
import { ALERT, DATA, type Direction, type Opened } from './sealing.js';

export interface Sealed {
  readonly bytes: Buffer;
  /** Where it ends among the sender's bytes. */
  readonly end: number;
  /** `undefined` in the handshake, or while there are no keys. */
  opened: Opened | undefined;
}

/** A change_cipher_spec between two records, in the clear: OpenSSL passes over it in TLS 1.3 (Node 22 to 26), or fails. It changes no byte of what was sent. */
const IGNORED = Buffer.from([20, 3, 3, 0, 1, 1]);
/** Turns from the delivery of an alert to the answer that it leads to, with some to spare; a reader may take one record of those before it a turn. */
const ON_ITS_WAY = 60;
const CLOSE_NOTIFY = Buffer.from([1, 0]);

export class LaneLog {
  readonly records: Sealed[] = [];
  /** The sender's own FIN, and one that the receiver was given, forged or not. */
  finSent = false;
  finDelivered = false;
  finKnownAt = Infinity;
  wasReset = false;
  /** The clock when the sender's `close_notify` was here; and when it had been delivered, and all before it, unchanged. */
  closedAt: number | undefined;
  crossedAt: number | undefined;
  /** The same some turns later, when whoever is concerned must know of it: a busy process counts in turns. */
  closedKnownAt = Infinity;
  crossedKnownAt = Infinity;
  /** So many of the sender's first bytes have been delivered, unchanged and nothing between them. */
  intact = 0;
  /** Between them, of what the receiver may pass over. */
  ignored = 0;
  readonly #direction: () => Direction | undefined;
  #delivered: Buffer = Buffer.alloc(0);
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
      if (!isCloseNotify(record) || this.closedAt !== undefined) continue;
      this.closedAt = performance.now();
      void turns(ON_ITS_WAY + this.records.length).then(() => (this.closedKnownAt = performance.now()));
    }
  }

  delivered(bytes: Buffer): void {
    this.#delivered = Buffer.concat([this.#delivered, bytes]);
    while (this.#match());
    if (this.#alertEnd > this.intact || this.crossedAt !== undefined) return;
    this.crossedAt = performance.now();
    void turns(ON_ITS_WAY + this.records.length).then(() => (this.crossedKnownAt = performance.now()));
  }

  finArrived(): void {
    this.finDelivered = true;
    void turns(ON_ITS_WAY).then(() => (this.finKnownAt = Math.min(this.finKnownAt, performance.now())));
  }

  /** Up to the end of a record; `false` if that is not there, or is not as it was sent. */
  #match(): boolean {
    if (this.intact >= this.#alertEnd) return false; // behind it comes whatever the peer and others like
    const rest = this.#delivered.subarray(this.intact + this.ignored);
    const end = this.records.find((record) => record.end > this.intact)?.end ?? this.#sent.length;
    const expected = this.#sent.subarray(this.intact, Math.min(end, this.intact + rest.length));
    const isSame = expected.length > 0 && rest.subarray(0, expected.length).equals(expected);
    if (isSame) this.intact += expected.length;
    else if (!rest.subarray(0, IGNORED.length).equals(IGNORED) || !this.records.some((record) => record.end === this.intact)) return false;
    else this.ignored += IGNORED.length;
    return true;
  }

  get #alertEnd(): number {
    return this.records.find(isCloseNotify)?.end ?? Infinity;
  }

  /** What was delivered behind the sender's alert. */
  get behindAlert(): Buffer {
    return this.#delivered.subarray(this.#alertEnd + this.ignored);
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
