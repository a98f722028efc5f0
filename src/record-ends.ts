/** Where may a TLS record end, in a byte stream that we join in the middle of one? (RFC 8446 section 5.1, RFC 5246 section 6.2.1.) Pure. */

const HEADER_BYTES = 5;

export class RecordEnds {
  /** What has passed of the header that comes next; `undefined` until a record is known to have ended. */
  #header: number[] | undefined;
  /** What is left of the record whose header has passed. */
  #left = 0;

  /** How many of the next `available` bytes may pass together, so that at most the last one of them ends a record. */
  next(available: number): number {
    if (this.#header === undefined) return 1;
    return Math.min(available, this.#left > 0 ? this.#left : HEADER_BYTES - this.#header.length);
  }

  /** `bytes` have passed. Plaintext comes out only at the end of a record. */
  passed(bytes: Buffer, plaintext: boolean): void {
    if (this.#header === undefined) {
      if (plaintext) this.#header = [];
    } else if (this.#left > 0) {
      this.#left -= bytes.length;
    } else {
      this.#header.push(...bytes);
      if (this.#header.length < HEADER_BYTES) return;
      this.#left = this.#header[3]! * 256 + this.#header[4]!;
      this.#header = [];
    }
  }

  /** Whether the last byte that passed may have ended a record. */
  get mayHaveEnded(): boolean {
    return this.#header === undefined || (this.#left === 0 && this.#header.length === 0);
  }
}
