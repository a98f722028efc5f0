import type { TLSSocket } from 'node:tls';
import { helloLength } from './hello.js';
import { ciphertextRead, plaintextRead } from './internals.js';
import { Ledger, OPENSSL_HIDES_CLOSE_NOTIFY, finishedLength } from './ledger.js';

/** The ledger of one socket: opened at the end of its handshake, but made when it is first needed, since to ask for the protocol costs 0.8 us. */
export class SocketLedger {
  readonly #socket: TLSSocket;
  readonly #ciphertext: number;
  readonly #plaintext: number;
  /** It is opened at the end of the handshake, not later. */
  readonly #inTime: boolean;
  #made = false;
  #ledger: Ledger | undefined;

  constructor(socket: TLSSocket, inTime: boolean) {
    this.#socket = socket;
    this.#inTime = inTime;
    this.#ciphertext = ciphertextRead(socket);
    this.#plaintext = plaintextRead(socket);
  }

  /** `undefined` where nothing can be hidden. */
  get(): Ledger | undefined {
    if (!this.#made) {
      this.#made = true;
      this.#ledger = this.#make();
    }
    return this.#ledger;
  }

  #make(): Ledger | undefined {
    if (this.#socket.getProtocol() !== 'TLSv1.3') return undefined;
    const cipher = this.#socket.getCipher().name;
    const hello = helloLength(this.#socket);
    // What came behind the handshake in the same read is not part of it. Without its server watched that can't be told.
    const handshake = hello === undefined ? this.#ciphertext : hello + finishedLength(cipher);
    // CCM_8 records are 8 bytes shorter than the ledger counts: NaN makes it say that it can't tell.
    return new Ledger(cipher.includes('CCM_8') ? NaN : handshake, this.#plaintext, hello === undefined && !this.#inTime ? Infinity : 0);
  }
}

/** The ledger of a socket that has finished its handshake, `inTime`: just now; `undefined` if this OpenSSL hides nothing. */
export function ledgerOf(socket: TLSSocket, inTime: boolean): SocketLedger | undefined {
  return OPENSSL_HIDES_CLOSE_NOTIFY ? new SocketLedger(socket, inTime) : undefined;
}
