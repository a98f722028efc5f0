/**
 * Did our alert leave? Node calls back when the transport has ended, whether OpenSSL has written the alert or not, and whether the transport took it or not.
 * The byte counts and the kernel's answer tell.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_parent.bytesWritten` | whether the alert was written | 10 | `lost` is not told from `close_notify` |
 * | `_handle.shutdown(request)` | OpenSSL makes our alert within it | 4 | no proof of a clean end; `sent` is as the counts say |
 * | `_parent.getpeername()`, `_parent.fd` of a `Pipe` | whether the transport is dead, where `shutdown(2)` does not tell, or not in time | 0.11 | learned where Node's shutdown answers ENOTCONN |
 * | `_handle._parentWrap._handle` over a `Duplex` | whether Node's `_final` may still run | 4 | it is run |
 */
import { writeSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { endTold, nodeFinal, dropLateWrites, type Done } from './final.js';
import { IS_NODE, SENDS_BEHIND_HANDSHAKE } from './runtime.js';
import { count, duplexUnder, handleOf, inHandshake, waitingBytes, wrappedSocket, type Handle } from './handle.js';

type Final = TLSSocket['_final'];

/** What became of our alert. `in_doubt`: a later turn's counts tell. */
export type Outcome = 'flushed' | 'nothing_written' | 'refused' | 'in_doubt';

/** One call of `_final`: our alert, and the end of the transport. */
export class WritingEnd {
  readonly #socket: TLSSocket;
  readonly #final: Final;
  /** Bytes that the TLS layer had written, and those that waited to be written, before the alert. */
  #written = NaN;
  #waiting = NaN;
  /** Bytes given to the transport before it, where that does not take everything at once. */
  #given: number | undefined;
  /** No alert can leave: in the handshake, or on a transport that is dead or has ended. */
  #unsendable = false;
  #dead = false;
  /** OpenSSL wrote nothing within the call. */
  #nothing = false;
  /** Whether OpenSSL has made our alert. */
  #alert: 'made' | 'not made' | 'untold' = 'untold';
  /** The alert may be written after the call. */
  #mayComeLater = false;
  /** Over TCP the kernel's answer is known. */
  #told = false;
  #running = false;

  /** `final` is the socket's own method. */
  constructor(socket: TLSSocket, final: Final) {
    this.#socket = socket;
    this.#final = final;
  }

  send(done: Done): void {
    const socket = this.#socket;
    if (!IS_NODE) {
      this.#dead = transportGone(socket);
      this.#unsendable = this.#dead || (!SENDS_BEHIND_HANDSHAKE && inHandshake(socket));
      return this.#final.call(socket, done);
    }
    this.#written = ciphertextWritten(socket);
    this.#waiting = ciphertextWaiting(socket);
    if (duplexClosed(socket)) {
      this.#unsendable = this.#dead = true;
      return done();
    }
    const tcp = this.#isNodes && isTcp(socket);
    const ended = inHandshake(socket) || transportEnded(socket);
    this.#dead = !ended && !tcp && transportGone(socket);
    this.#unsendable = ended || this.#dead;
    this.#told = tcp && !this.#unsendable;
    const given = transportWritten(socket);
    this.#seeAlert();
    const dropTheRest = dropLateWrites(socket);
    const endedThen: Done = (error, status) => {
      if (this.#isNodes) dropTheRest(); // an application's own method may call back before it calls Node's
      done(error, status);
    };
    this.#running = true;
    try {
      if (!this.#told || !endTold(socket, endedThen)) this.#final.call(socket, endedThen);
    } finally {
      this.#running = false;
    }
    // All earlier writes are flushed. So what was written in this call is the alert. Later is too late: the FIN is queued.
    // (A HelloRequest or a handshake under way holds the alert back: SSL_shutdown fails, and Node still ends the transport.)
    this.#nothing = ciphertextWritten(socket) === this.#written;
    // A Duplex is ended a turn later: an alert behind a write of the handshake that is still under way goes out in time (Node 20 to 26).
    this.#mayComeLater = !this.#isNodes || (duplexUnder(socket) !== undefined && ciphertextWaiting(socket) > this.#waiting);
    if (!this.#isNodes || (!this.#told && !takesAtOnce(socket))) this.#given = given;
  }

  /**
   * OpenSSL makes our alert within the TLS layer's own shutdown, or never; an application's own method may call that later. Counting what leaves is not enough:
   * it may be what OpenSSL had made before, its answer to a KeyUpdate, say, which waits for a slow transport. Behind a fatal alert of the peer's that still leaves.
   */
  #seeAlert(): void {
    const handle = handleOf(this.#socket);
    const shutdown = handle?.shutdown;
    if (handle === undefined || typeof shutdown !== 'function') return;
    this.#alert = 'not made';
    handle.shutdown = (request) => {
      const before = waitingBytes(handle);
      const answer = shutdown.call(handle, request);
      const more = waitingBytes(handle) - before; // what is being written waits until a later turn, too
      if (this.#alert !== 'made') this.#alert = Number.isNaN(more) ? 'untold' : more > 0 ? 'made' : 'not made';
      return answer;
    };
  }

  /** `false` for an application's own method. That may call Node's later, so whether the alert was written is known a turn later. */
  get #isNodes(): boolean {
    return this.#final === nodeFinal;
  }

  get needsTurn(): boolean {
    return !this.#isNodes;
  }

  /** Whether OpenSSL has made our alert. Behind a fatal alert of the peer's it makes none. */
  get isAlertMade(): boolean {
    return this.#alert === 'made';
  }

  /** After the transport has ended. `status` as in `Done`; `undefined` once it can't be waited for any more. */
  outcome(status: number | undefined, isLate: boolean): Outcome {
    const socket = this.#socket;
    if (!IS_NODE && !this.#unsendable) return 'flushed';
    const nothing = this.#unsendable || this.#alert === 'not made' || (this.#nothing && !(this.#mayComeLater && ciphertextWritten(socket) > this.#written));
    if (nothing) return this.#dead ? 'refused' : 'nothing_written';
    // shutdown(2) failed: the peer has reset the connection. The byte counts of the next turn tell whether our alert left before that.
    if (this.#told && status !== 0) return isLate ? this.#byCounts() : 'in_doubt';
    // Node's _final calls back synchronously only if the transport is dead.
    if (this.#running) return 'refused';
    if (this.#told || this.#given === undefined) return 'flushed';
    return transportWritten(socket) - ciphertextHeld(socket) <= this.#given ? 'refused' : 'flushed'; // counts that are gone refuse nothing
  }

  /** What could not be written stays with the TLS layer. */
  #byCounts(): Outcome {
    return ciphertextWritten(this.#socket) - ciphertextHeld(this.#socket) <= this.#written ? 'refused' : 'flushed';
  }

  /** Somebody destroys the socket in this turn: what is already known of the alert; `undefined` if nothing is. */
  outcomeNow(): Outcome | undefined {
    const socket = this.#socket;
    if (this.#dead) return 'refused';
    if (this.#unsendable || this.#alert === 'not made' || this.#nothing || !(ciphertextWritten(socket) > this.#written) || waitingBytes(handleOf(socket)?._parent) !== 0) return undefined;
    return this.#told && transportGone(socket) ? 'in_doubt' : 'flushed'; // in_doubt: the kernel's answer has not come yet, or not in time
  }
}

/** The `net.Socket` that Node puts around a `Duplex` has been closed. Its shutdown would fail an assertion that nobody can catch (Node 20 to 26). */
function duplexClosed(socket: TLSSocket): boolean {
  const wrap = handleOf(socket)?._parentWrap as { _handle?: unknown } | null | undefined;
  return duplexUnder(socket) !== undefined && wrap?._handle === null;
}

/** Whether somebody has ended the transport's sending side past the TLS layer. What that writes then is counted, and lost. */
function transportEnded(socket: TLSSocket): boolean {
  const under = duplexUnder(socket) ?? wrappedSocket(socket);
  return under !== undefined && (under.destroyed || (under.writableEnded && under.writableLength === 0));
}

/** The handle of the TLS layer that writes to the transport: of TLS in TLS, the outermost. */
function bottomOf(socket: TLSSocket): Handle | undefined {
  let handle = handleOf(socket);
  while (handle?._parent?._parent) handle = handle._parent;
  return handle;
}

const ADDRESS = {};
const NOTHING = Buffer.alloc(0);

/**
 * Whether the kernel would refuse what is written now: the peer has reset the connection. Once a TLS layer is at its end, it passes no error of its
 * transport on, neither ECONNRESET nor the EPIPE of a write (Node 20 to 26). After a reset TCP has no peer name; a Unix socket whose peer is closed
 * refuses also a write of nothing.
 */
export function transportGone(socket: TLSSocket): boolean {
  const transport = bottomOf(socket)?._parent;
  if (typeof transport?.getpeername === 'function') return transport.getpeername(ADDRESS) !== 0;
  if (transport?.constructor.name !== 'Pipe' || typeof transport.fd !== 'number' || transport.fd < 0) return false;
  try {
    writeSync(transport.fd, NOTHING);
    return false;
  } catch (error) {
    return ['EPIPE', 'ECONNRESET', 'ENOTCONN'].includes(String((error as NodeJS.ErrnoException).code));
  }
}

/** Whether the transport is TCP, directly. Who ends that is told of a reset (see `endTold`). */
export function isTcp(socket: TLSSocket): boolean {
  const transport = handleOf(socket)?._parent;
  return !transport?._parent && typeof transport?.getpeername === 'function';
}

/** Ciphertext that the TLS layer wrote to its transport; `NaN` if it can't be told. */
function ciphertextWritten(socket: TLSSocket): number {
  return count(handleOf(socket)?._parent?.bytesWritten);
}

/** Ciphertext that the TLS layer has made, and does not know to be handed on. It learns that in a later turn. */
function ciphertextWaiting(socket: TLSSocket): number {
  return waitingBytes(handleOf(socket));
}

/** The same of the outermost TLS layer. */
function ciphertextHeld(socket: TLSSocket): number {
  return waitingBytes(bottomOf(socket));
}

/** Whether the kernel has taken everything that was written to it; a Duplex never tells. */
function takesAtOnce(socket: TLSSocket): boolean {
  return waitingBytes(bottomOf(socket)?._parent) === 0;
}

/** Bytes that were given to the transport under all TLS layers, with those that it has refused. */
function transportWritten(socket: TLSSocket): number {
  return count(bottomOf(socket)?._parent?.bytesWritten);
}
