/**
 * May a `close_notify` have come that OpenSSL does not show?
 *
 * From OpenSSL 3.2 on (Node 22 and later), a TLS 1.3 `user_canceled` alert hides the `close_notify` after it (openssl#25254): Node sees
 * nothing until the FIN. Java's `SSLSocket.close()` sends just that pair. But alerts take room: if plaintext accounts for all ciphertext
 * that was received, nothing was hidden. Pure arithmetic, in bytes.
 */

/** What a record has besides its plaintext (RFC 8446 section 5.2): header 5, content type 1, tag 16, but 8 with CCM_8. */
export function recordOverhead(cipher: string): number {
  return cipher.includes('CCM_8') ? 14 : 22;
}

const MAX_PLAINTEXT = 16_384;
/** `user_canceled` or `close_notify`, each in a record. */
const ALERT = 2;
/** A NewSessionTicket message besides its ticket, nonce and extensions (RFC 8446 section 4.6.1), in one record. */
const TICKET = 17;

/** The client's Finished in one record, by the hash of the cipher suite (RFC 8446 section 4.4.4). */
export function finishedLength(cipher: string): number {
  return recordOverhead(cipher) + 4 + (cipher.endsWith('SHA384') ? 48 : 32);
}

/**
 * Two upper bounds for the bytes that nothing accounts for; each alone is a proof.
 * - `total`: all since the handshake. Session tickets are in it, and are taken out as multiples of their length.
 * - `recent`: behind a `close_notify` no plaintext comes out. So plaintext proves that none was hidden before it, and only the latest reads count. A
 *   `user_canceled` may have come earlier.
 */
export class Ledger {
  readonly #overhead: number;
  #ciphertext: number;
  #plaintext: number;
  #total: number;
  #recent: number;

  /** `overhead` is that of a record. Opened with what was received by the end of the handshake, or later. `unseen`: `Infinity` if anything may have come between the two. */
  constructor(overhead: number, ciphertext: number, plaintext: number, unseen: 0 | typeof Infinity = 0) {
    this.#overhead = overhead;
    this.#ciphertext = ciphertext;
    this.#plaintext = plaintext;
    this.#total = unseen;
    this.#recent = unseen;
  }

  /** A record with `length` bytes of plaintext came out; `ciphertext` is all that was received up to now. */
  record(length: number, ciphertext: number): void {
    const size = length + this.#overhead;
    const read = ciphertext - this.#ciphertext;
    if (read !== 0) {
      // The first record of a new read. What is left of earlier reads can only be its beginning.
      this.#recent = Math.min(Math.max(0, this.#recent), size - 1) + read;
      this.#total += read;
      this.#ciphertext = ciphertext;
    }
    this.#recent -= size;
    this.#total -= size;
    this.#plaintext += length;
  }

  /**
   * Whether the bytes that nothing accounts for have room for the alerts. `plaintext` counts also what went past `record` (a parser that
   * reads natively); `ticketLength` is the length of the latest session ticket received, 0 for none.
   */
  mayHide(ciphertext: number, plaintext: number, ticketLength: number): boolean {
    const unseen = plaintext - this.#plaintext;
    const since = ciphertext - this.#ciphertext - unseen - Math.ceil(unseen / MAX_PLAINTEXT) * this.#overhead;
    const recent = Math.max(0, this.#recent) + since;
    const total = this.#total + since;
    const besidesTickets = ticketLength > 0 ? total % (ticketLength + TICKET + this.#overhead) : total; // OpenSSL sends two tickets, others one or none
    const alert = ALERT + this.#overhead;
    return !(recent < alert || besidesTickets < 2 * alert); // NaN: can't tell
  }
}
