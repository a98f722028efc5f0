/** What a socket has received, as far as a `close_notify` may be hidden in it (see closure/ledger.ts), and how long its ClientHello was. */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { Ledger, finishedLength, recordOverhead } from '../closure/ledger.js';
import { ciphertextRead, plaintextRead, wrappedSocket } from '../node/handle.js';
import { inNextTurn } from './turn.js';

const [major = 0, minor = 0] = (process.versions.openssl ?? '').split('.').map(Number);

/** Whether this Node's OpenSSL hides a `close_notify` behind `user_canceled` on TLS 1.3 (from 3.2 on, Node 22 and later). */
export const OPENSSL_HIDES_CLOSE_NOTIFY = major > 3 || (major === 3 && minor >= 2);

/** Opened at the end of the handshake, or later. The ledger is made when it is first needed. */
export class ReceivedBytes {
  readonly #socket: TLSSocket;
  readonly #inTime: boolean;
  readonly #ciphertext: number;
  readonly #plaintext: number;
  /** `null`: nothing can be hidden. */
  #ledger: Ledger | null | undefined;

  constructor(socket: TLSSocket, inTime: boolean) {
    this.#socket = socket;
    this.#inTime = inTime;
    this.#ciphertext = ciphertextRead(socket);
    this.#plaintext = plaintextRead(socket);
  }

  ledger(): Ledger | undefined {
    if (this.#ledger === undefined) this.#ledger = this.#make() ?? null;
    return this.#ledger ?? undefined;
  }

  #make(): Ledger | undefined {
    if (this.#socket.getProtocol() !== 'TLSv1.3') return undefined;
    const cipher = this.#socket.getCipher().name;
    const hello = helloLength(this.#socket);
    // What came behind the handshake in the same read is no part of it. Only a watched server knows how long the handshake was.
    const handshake = hello === undefined ? this.#ciphertext : hello + finishedLength(cipher);
    return new Ledger(recordOverhead(cipher), handshake, this.#plaintext, hello === undefined && !this.#inTime ? Infinity : 0);
  }
}

const helloLengths = new WeakMap<Socket, number>();

/** A client that says nothing for so many turns is asked no more. */
const MAX_TURNS = 1000;

interface Silent {
  readonly raw: Socket;
  turns: number;
}

const silent: Silent[] = [];
let looking = false;

/**
 * How long was the ClientHello? A server needs it to tell what came behind the handshake in the same read: Java's `close()` puts its last handshake
 * message and its alerts into one segment.
 *
 * The server answers in the very read that brings the ClientHello, and the client's next flight comes behind that answer. So we count once in each turn
 * of the event loop, and the first count that is not 0 is the length. The immediate is unref'd: it makes no turn of its own.
 */
export function measureHellos(server: Server): void {
  if (OPENSSL_HIDES_CLOSE_NOTIFY) server.on('connection', tlsShutdownOnConnection);
}

function tlsShutdownOnConnection(raw: Socket): void {
  silent.push({ raw, turns: 0 });
  lookInThisTurn();
}

function lookInThisTurn(): void {
  if (!looking && silent.length > 0) inNextTurn(look).unref();
  looking = silent.length > 0;
}

function look(): void {
  looking = false;
  let count = 0;
  for (const each of silent) {
    const { raw } = each;
    const length = raw.bytesRead;
    if (length > 0) helloLengths.set(raw, length);
    else if (++each.turns === MAX_TURNS) helloLengths.set(raw, NaN);
    else if (!raw.destroyed) silent[count++] = each;
  }
  silent.length = count;
  lookInThisTurn();
}

/** The bytes of the ClientHello that began the handshake of this server's socket, if its server was watched; `NaN` if it came too late. */
export function helloLength(socket: TLSSocket): number | undefined {
  const raw = wrappedSocket(socket);
  return raw && helloLengths.get(raw);
}
