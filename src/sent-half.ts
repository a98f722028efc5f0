/** Our half of a TLS connection: has `end()` been asked for, and has our alert left? */
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { DuplexEnd } from './duplex-end.js';
import * as internals from './internals.js';
import { OPEN, next, type SentEvent, type ShutdownEvent } from './machine.js';
import { Observed } from './observers.js';
import type { FinalCallback, Originals } from './shadow.js';
import type { ShutdownState } from './types.js';

export class SentHalf extends Observed {
  readonly socket: TLSSocket;
  /** Of both halves. */
  state: ShutdownState = OPEN;
  destroyed = false;
  ending = false;
  finalWaits: FinalCallback | undefined;
  quiet = false; // true: the next flush ends the transport without an alert
  protected duplexEnd: DuplexEnd | undefined;
  protected original: Originals | undefined;
  /** What has happened to our half when `_final` is done. */
  #flushEvent: SentEvent = 'alert_written';
  #writtenBefore = NaN; // ciphertext bytes before our alert
  #alertAfter = Infinity; // ciphertext bytes behind which the alert is written, where that can't be told at once

  constructor(socket: TLSSocket) {
    super();
    this.socket = socket;
  }

  apply(event: ShutdownEvent): void {
    this.state = next(this.state, event);
  }

  /** `end()` by anybody queues the alert; this is where it is noticed. */
  noticeEnd(): void {
    if (this.state.sent !== 'open' || this.quiet || !this.socket.writableEnded) return;
    this.apply('end');
    // No alert leaves while the handshake runs: OpenSSL's answer is SHUTDOWN_WHILE_IN_INIT, Node's a bare FIN.
    if (!this.destroyed && internals.inHandshake(this.socket)) this.apply('alert_lost');
  }

  final(callback: FinalCallback): void {
    const { socket } = this;
    const { final } = this.original!;
    const unsendable = internals.inHandshake(socket) || internals.transportEnded(socket);
    const before = (this.#writtenBefore = internals.ciphertextWritten(socket));
    const quiet = this.quiet && this.state.sent === 'open';
    this.#flushEvent = quiet ? 'quiet_fin' : unsendable ? 'alert_lost' : 'alert_written';
    const done = onFinal.bind(undefined, this, callback); // an arrow function would be compiled anew time and again (see keepSettlers in shutdown.ts)
    if (!quiet) {
      final.call(socket, done);
      // All earlier writes were flushed, so whatever was written in this call is the alert; later is too late, the FIN is queued.
      // (A HelloRequest or a handshake under way holds it back: SSL_shutdown fails, and Node still ends the transport.)
      if (internals.ciphertextWritten(socket) === before) this.#flushEvent = 'alert_lost';
      // A Duplex is ended a turn later: behind a write of the handshake that is still under way, the alert goes out in time (Node 20 to 26).
      // An application's own method may call Node's later.
      if (!unsendable && (this.duplexEnd !== undefined || final !== nodeFinal)) this.#alertAfter = before;
    } else if (!internals.endTransport(socket, done)) {
      done();
      socket.destroy();
    }
  }

  onFinal(callback: FinalCallback, error: Error | null | undefined): void {
    if (this.#flushEvent === 'alert_lost' && internals.ciphertextWritten(this.socket) > this.#alertAfter) this.#flushEvent = 'alert_written';
    if (!error && !this.destroyed) this.apply(this.#flushEvent); // else its handle is gone, and Node 22 calls back all the same
    try {
      callback(error);
    } finally {
      this.tellObservers();
    }
  }

  /**
   * Somebody destroys the socket between a call and its `end()`, or right behind `end()`: a `for await` loop does at its end. Where nothing stands before our
   * alert it leaves all the same, as it would without us.
   */
  protected sendAlertNow(): void {
    const { socket } = this;
    if (this.state.sent !== 'queued' || !internals.isKernelTransport(socket)) return;
    const { final } = this.original!;
    if (!socket.writableEnded && socket.writableLength === 0 && final === nodeFinal && !internals.inHandshake(socket)) this.final(() => {});
    if (this.#flushEvent === 'alert_written' && internals.hasWritten(socket, this.#writtenBefore)) this.apply('alert_written');
  }
}

const nodeFinal = Socket.prototype._final;

const onFinal = (half: SentHalf, callback: FinalCallback, error?: Error | null): void => half.onFinal(callback, error);
