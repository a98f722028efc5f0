/**
 * May a `close_notify` have come that OpenSSL does not show?
 *
 * From OpenSSL 3.2 on (Node 22 and later), a TLS 1.3 `user_canceled` alert hides the `close_notify` after it (openssl#25254): Node sees
 * nothing until the FIN. Java's `SSLSocket.close()` sends just that pair. But alerts take room: if all ciphertext received is accounted
 * for by plaintext, nothing was hidden. Pure arithmetic, in bytes.
 */

/** RFC 8446 section 5.2: header 5, content type 1, tag 16 (of CCM_8 it is 8: such a connection has no ledger that adds up). */
const RECORD_OVERHEAD = 22;
const MAX_PLAINTEXT = 16_384;
/** `user_canceled` and `close_notify`, two bytes each, in two records. */
const HIDDEN_ALERTS = 2 * (RECORD_OVERHEAD + 2);
/** A NewSessionTicket message besides its ticket, nonce and extensions (RFC 8446 section 4.6.1), in one record. */
const TICKET_OVERHEAD = RECORD_OVERHEAD + 17;

const [major = 0, minor = 0] = (process.versions.openssl ?? '').split('.').map(Number);

/** Whether this Node's OpenSSL hides a `close_notify` behind `user_canceled` on TLS 1.3. */
export const OPENSSL_HIDES_CLOSE_NOTIFY = major > 3 || (major === 3 && minor >= 2);

export class Ledger {
  #ciphertext: number;
  #plaintext: number;
  #unexplained = 0;

  /** Opened after the handshake, with what was received up to now. */
  constructor(ciphertext: number, plaintext: number) {
    this.#ciphertext = ciphertext;
    this.#plaintext = plaintext;
  }

  /** A record with `length` bytes of plaintext came out; `ciphertext` is all that was received up to now. */
  record(length: number, ciphertext: number): void {
    if (ciphertext !== this.#ciphertext) {
      // The first record of a new read: plaintext still comes, so nothing was hidden before, and what is unexplained of the earlier
      // reads can only be the first part of this record.
      const begun = Math.min(Math.max(0, this.#unexplained), length + RECORD_OVERHEAD - 1);
      this.#unexplained = begun + (ciphertext - this.#ciphertext);
      this.#ciphertext = ciphertext;
    }
    this.#unexplained -= length + RECORD_OVERHEAD;
    this.#plaintext += length;
  }

  /**
   * Whether the bytes that nothing accounts for have room for the two alerts. `plaintext` counts also what went past `record` (a parser that
   * reads natively); `ticketLength` is the length of the latest session ticket received, 0 for none.
   */
  mayHide(ciphertext: number, plaintext: number, ticketLength: number): boolean {
    const unseen = plaintext - this.#plaintext;
    let room = Math.max(0, this.#unexplained) + (ciphertext - this.#ciphertext) - unseen - Math.ceil(unseen / MAX_PLAINTEXT) * RECORD_OVERHEAD;
    if (ticketLength > 0) room %= ticketLength + TICKET_OVERHEAD; // an OpenSSL server sends two tickets, others one or none
    return !(room < HIDDEN_ALERTS); // NaN: can't tell
  }
}
