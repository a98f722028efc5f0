/** TLS record boundaries in a byte stream that comes in any chunks (RFC 8446 section 5.1, RFC 5246 section 6.2.1). Pure. */

const HEADER_BYTES = 5;
/** With no content: the header, the content type and the shortest tag (TLS 1.3 with CCM_8, RFC 8446 section 5.2). OpenSSL takes no shorter one. */
const SHORTEST_RECORD = HEADER_BYTES + 1 + 8;
/** `change_cipher_spec` to `heartbeat`. */
const FIRST_TYPE = 20;
const LAST_TYPE = 24;
/** SSL 3.0 to TLS 1.3 all write 3 here. */
const MAJOR_VERSION = 3;
/** The longest plaintext, and the most that a version of TLS adds to it: compression and protection in TLS 1.2. */
const MAX_CIPHERTEXT = 2 ** 14 + 2 ** 11;

/** The bytes can't begin a TLS record. */
export class RecordError extends Error {}
Object.defineProperty(RecordError.prototype, 'name', { value: 'RecordError', writable: true, configurable: true });

/** The length of the record whose header is at `offset`, with the header. */
function recordLength(bytes: Buffer, offset: number): number {
  const type = bytes[offset]!;
  const major = bytes[offset + 1]!;
  const length = bytes.readUInt16BE(offset + 3);
  if (type < FIRST_TYPE || type > LAST_TYPE) throw new RecordError(`Not a TLS record: its content type is ${type}`);
  if (major !== MAJOR_VERSION) throw new RecordError(`Not a TLS record: its version is ${major}.${bytes[offset + 2]}`);
  if (length > MAX_CIPHERTEXT) throw new RecordError(`Not a TLS record: ${length} bytes are more than the limit of ${MAX_CIPHERTEXT}`);
  return HEADER_BYTES + length;
}

const EMPTY: Buffer = Buffer.alloc(0);

export class RecordScanner {
  #chunk: Buffer = EMPTY;
  #offset = 0;
  /** The beginning of a record whose end is not there yet, in as much room as its header, and then all of it, takes: whatever the chunks, not a `Buffer` for each. */
  #held: Buffer = EMPTY;
  #heldBytes = 0;

  /** More bytes. Take all records out before giving more. */
  add(chunk: Buffer): void {
    this.#chunk = this.#offset === this.#chunk.length ? chunk : Buffer.concat([this.#chunk.subarray(this.#offset), chunk]);
    this.#offset = 0;
  }

  /**
   * The next record with its header, or `null` while it is not all there. Never two at once: the first may be an alert, padded to the length of data
   * (RFC 8446 section 5.4), and what follows an alert is not TLS any more.
   *
   * @throws RecordError; the bytes stay
   */
  next(): Buffer | null {
    if (this.#heldBytes > 0) return this.#nextHeld();
    const start = this.#offset;
    const end = this.#endOfRecord(start);
    if (end === undefined) {
      this.#hold(this.#chunk.length - start);
      return null;
    }
    this.#offset = end;
    return this.#chunk.subarray(start, end);
  }

  /** All bytes that were not given out. From then on they are the caller's. */
  rest(): Buffer {
    const rest = this.#heldBytes > 0 ? Buffer.concat([this.#held.subarray(0, this.#heldBytes), this.#chunk.subarray(this.#offset)]) : this.#chunk.subarray(this.#offset);
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#held = EMPTY;
    this.#heldBytes = 0;
    return rest;
  }

  #endOfRecord(start: number): number | undefined {
    if (this.#chunk.length - start < HEADER_BYTES) return undefined;
    const end = start + recordLength(this.#chunk, start);
    return end <= this.#chunk.length ? end : undefined;
  }

  /** Completes what is held, copying each byte once however small the chunks. */
  #nextHeld(): Buffer | null {
    if (this.#heldBytes < HEADER_BYTES) {
      this.#hold(HEADER_BYTES - this.#heldBytes);
      if (this.#heldBytes < HEADER_BYTES) return null;
    }
    const length = recordLength(this.#held, 0);
    this.#hold(length - this.#heldBytes);
    if (this.#heldBytes < length) return null;
    const record = this.#held;
    this.#held = EMPTY;
    this.#heldBytes = 0;
    return record;
  }

  #hold(bytes: number): void {
    const part = this.#chunk.subarray(this.#offset, this.#offset + bytes);
    const count = this.#heldBytes + part.length;
    if (count > this.#held.length) {
      const header = this.#heldBytes > 0 ? this.#held : part;
      const room = Buffer.allocUnsafeSlow(count > HEADER_BYTES ? recordLength(header, 0) : HEADER_BYTES);
      this.#held.copy(room);
      this.#held = room;
    }
    part.copy(this.#held, this.#heldBytes);
    this.#heldBytes = count;
    this.#offset += part.length;
  }
}

/**
 * Where may a record end, in a byte stream that we join in the middle of one? It cuts the stream into pieces in each of which at most one record ends.
 * - `anywhere`, `not found`: at most one ends in as many bytes as the shortest record has.
 * - `searching`: the first plaintext has come out, so there are data. Byte by byte the next plaintext shows where a record ends.
 * - `known`: header by header.
 */
export class RecordEnds {
  #where: 'anywhere' | 'searching' | 'known' | 'not found' = 'anywhere';
  #searched = 0;
  /** What has passed of the header that comes next. */
  #header: number[] = [];
  /** What is left of the record whose header has passed. */
  #left = 0;

  /** How many of the next `available` bytes may pass together. */
  next(available: number): number {
    if (this.#where === 'searching') return 1;
    if (this.#where !== 'known') return Math.min(available, SHORTEST_RECORD);
    return Math.min(available, this.#left > 0 ? this.#left : HEADER_BYTES - this.#header.length);
  }

  /** `bytes` have passed. Plaintext comes out only at the end of a record. */
  passed(bytes: Buffer, plaintext: boolean): void {
    if (this.#where === 'known') this.#count(bytes);
    else if (this.#where === 'searching') this.#search(plaintext);
    else if (this.#where === 'anywhere' && plaintext) this.#where = 'searching';
  }

  /** No longer than the longest record: a peer may send nothing but records without plaintext. */
  #search(plaintext: boolean): void {
    if (plaintext) this.#where = 'known';
    else if (++this.#searched > HEADER_BYTES + MAX_CIPHERTEXT) this.#where = 'not found';
  }

  #count(bytes: Buffer): void {
    if (this.#left > 0) {
      this.#left -= bytes.length;
      return;
    }
    this.#header.push(...bytes);
    if (this.#header.length < HEADER_BYTES) return;
    this.#left = this.#header[3]! * 256 + this.#header[4]!;
    this.#header = [];
  }

  /** Whether a record may have ended in the bytes that passed last. */
  get mayHaveEnded(): boolean {
    return this.#where !== 'known' || (this.#left === 0 && this.#header.length === 0);
  }
}
