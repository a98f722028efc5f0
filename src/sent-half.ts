/** Our half of a TLS connection: has `end()` been asked for, and has our alert left? */
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { DuplexEnd } from './duplex-end.js';
import { FeedAndAsk } from './feed-and-ask.js';
import * as internals from './internals.js';
import { OPEN, next, type SentEvent, type ShutdownEvent } from './machine.js';
import { Observed } from './observers.js';
import * as sent from './sent-internals.js';
import type { FinalCallback, Originals } from './shadow.js';
import { realSetImmediate } from './turn.js';
import type { ShutdownState } from './types.js';

export class SentHalf extends Observed {
  readonly socket: TLSSocket;
  /** Of both halves. */
  state: ShutdownState = OPEN;
  destroyed = false;
  deciding = false; // destroyed, and what became of our alert is known a turn later
  ending = false;
  finalWaits: FinalCallback | undefined;
  quiet = false; // true: the next flush ends the transport without an alert
  transportGone = false; // our alert could not be handed to it
  /** Has OpenSSL written our alert? It writes none behind a fatal alert. `unseen`: somebody called `end()` before anybody watched. */
  protected alert: 'to come' | 'left' | 'held back' | 'unseen' = 'to come';
  protected feed: FeedAndAsk | undefined;
  protected duplexEnd: DuplexEnd | undefined;
  protected original: Originals | undefined;
  /** What has happened to our half when `_final` is done. */
  #flushEvent: SentEvent = 'alert_written';
  #writtenBefore: number | undefined; // ciphertext bytes before our alert
  #alertAfter: number | undefined; // ciphertext bytes behind which the alert is written, where that can't be told at once
  #givenBefore: number | undefined; // bytes that were given to the transport before it, where the transport does not take everything at once
  #finalRuns = false;
  #madeBefore: sent.Ciphertext | undefined;
  #isTold = false; // the kernel's answer comes with the end of our half
  #turnPassed = false;

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
    // No alert leaves while the handshake runs: OpenSSL's answer is SHUTDOWN_WHILE_IN_INIT, Node's a bare FIN. Data before it waits for the handshake.
    // (If that is an end() that nobody watched; otherwise it is seen in `final`.)
    if (this.original === undefined && !this.destroyed && internals.inHandshake(this.socket) && this.socket.writableLength === 0) this.apply('alert_lost');
  }

  final(callback: FinalCallback): void {
    const { socket } = this;
    const { final } = this.original!;
    const before = (this.#writtenBefore = sent.ciphertextWritten(socket));
    const done = onFinal.bind(undefined, this, callback); // an arrow function would be compiled anew time and again (see keepSettlers in shutdown.ts)
    if (this.quiet && this.state.sent === 'open') {
      this.#flushEvent = 'quiet_fin';
      if (sent.endTransport(socket, done)) return;
      done();
      socket.destroy();
      return;
    }
    const isTcp = final === nodeFinal && sent.isTcp(socket);
    if (sent.duplexClosed(socket)) {
      this.transportGone = true;
      this.#flushEvent = 'alert_lost';
      this.alert = 'held back';
      return done();
    }
    const unsendable = internals.inHandshake(socket) || sent.transportEnded(socket) || (!isTcp && (this.transportGone = sent.transportGone(socket)));
    const isTold = (this.#isTold = isTcp && !unsendable);
    this.#flushEvent = unsendable ? 'alert_lost' : 'alert_written';
    const heldBefore = this.duplexEnd === undefined ? 0 : sent.ciphertextHeld(socket);
    const givenBefore = isTold ? undefined : sent.transportWritten(socket);
    this.#finalRuns = true;
    this.#madeBefore = sent.ciphertextMade(socket);
    try {
      if (!isTold || !sent.endTold(socket, done)) final.call(socket, done);
    } finally {
      this.#finalRuns = false;
      this.#seeWhetherAlertLeft();
    }
    if (unsendable) return;
    // All earlier writes were flushed, so whatever was written in this call is the alert; later is too late, the FIN is queued.
    // (A HelloRequest or a handshake under way holds it back: SSL_shutdown fails, and Node still ends the transport.)
    if (sent.ciphertextWritten(socket) === before) this.#flushEvent = 'alert_lost';
    // A Duplex is ended a turn later: an alert behind a write of the handshake that is still under way goes out in time (Node 20 to 26).
    // An application's own method may call Node's later.
    if (final !== nodeFinal || (this.duplexEnd !== undefined && sent.ciphertextHeld(socket) > heldBefore)) this.#alertAfter = before;
    if (final !== nodeFinal || (!isTold && !sent.takesAtOnce(socket))) this.#givenBefore = givenBefore;
  }

  #seeWhetherAlertLeft(): void {
    this.alert = sent.hasMadeMore(this.socket, this.#madeBefore!) ? 'left' : 'held back';
    if (this.alert !== 'left') return;
    this.onAlertLeft();
    this.beginFeeding();
  }

  /** From now on the end of reading can be proved. */
  protected beginFeeding(): void {
    const { socket } = this;
    if (this.feed === undefined && this.state.received === 'open' && !this.destroyed && !internals.inHandshake(socket)) this.feed = FeedAndAsk.begin(socket);
  }

  protected onAlertLeft(): void {}

  onFinal(callback: FinalCallback, error: Error | null | undefined, status: number | undefined): void {
    if (this.original!.final !== nodeFinal && this.#flushEvent !== 'quiet_fin' && !this.#turnPassed) {
      // When an application's own method has called Node's, and so whether the alert could be written, is known a turn later.
      this.#turnPassed = true;
      return void realSetImmediate(onFinal, this, callback, error);
    }
    if (!error && !this.destroyed) {
      // An application's own method may have called Node's later. What could not be fed while a write was under way can be fed now.
      if (this.#flushEvent === 'quiet_fin') this.alert = 'held back';
      else if (this.alert !== 'left' && this.#madeBefore !== undefined) this.#seeWhetherAlertLeft();
      if (this.alert === 'left' || this.#flushEvent === 'quiet_fin') this.beginFeeding();
      // Whether a reset came before our alert or answered it is known a turn later, too. Nobody else is kept waiting: ECONNRESET could come before 'finish'.
      if (this.#isTold && status !== 0) realSetImmediate(decide, this);
      else this.apply(this.#outcome(true));
    } // else its handle is gone, and Node 22 calls back all the same
    try {
      callback(error);
    } finally {
      if (!this.destroyed) this.tellObservers(); // else destroy() does
    }
  }

  /** What became of our half, now that `_final` is done; `isKnown`: the kernel has said that the connection lives. */
  #outcome(isKnown: boolean): SentEvent {
    const { socket } = this;
    if (this.#flushEvent === 'quiet_fin') return 'quiet_fin';
    if (this.#flushEvent === 'alert_lost' && !(sent.ciphertextWritten(socket) > (this.#alertAfter ?? Infinity))) return 'alert_lost';
    // Node's is never done within the call, but where the transport has failed: it drops ENOTCONN.
    if (!this.#finalRuns && !this.#isRefused(isKnown)) return 'alert_written';
    this.transportGone = true;
    return 'alert_lost';
  }

  /** What could not be written stays with the TLS layer. */
  #isRefused(isKnown: boolean): boolean {
    const { socket } = this;
    if (this.#isTold) return !isKnown && !(sent.ciphertextWritten(socket) - sent.ciphertextHeld(socket) > this.#writtenBefore!);
    return this.#givenBefore !== undefined && sent.transportWritten(socket) - sent.ciphertextHeld(socket) <= this.#givenBefore;
  }

  /**
   * Somebody destroys the socket between a call and its `end()`, or right behind `end()`: a `for await` loop does at its end. Where nothing stands before our
   * alert it leaves all the same, as it would without us. `false`: what became of it is known a turn later (`decideLater`).
   */
  protected sendAlertNow(): boolean {
    const { socket } = this;
    if (this.state.sent !== 'queued' || !internals.isKernelTransport(socket)) return true;
    if (this.canSendNow()) this.final(() => {});
    if (this.transportGone) this.apply('alert_lost');
    else if (this.#flushEvent === 'alert_written' && sent.hasWritten(socket, this.#writtenBefore!)) {
      if (this.#isTold && sent.transportGone(socket)) return false; // the kernel's answer has not come, or was waiting for its turn to pass
      this.apply('alert_written');
    }
    return true;
  }

  /** Nothing stands before our alert. */
  protected canSendNow(): boolean {
    const { socket } = this;
    return !socket.writableEnded && socket.writableLength === 0 && this.original!.final === nodeFinal && internals.isKernelTransport(socket) && !internals.inHandshake(socket);
  }

  /** No call is answered until then; `close` is called behind it. */
  protected decideLater(close: () => void): void {
    this.deciding = true;
    realSetImmediate(() => {
      this.deciding = false;
      this.apply(this.#outcome(false));
      close();
    });
  }

  decide(): void {
    if (this.destroyed) return; // `sendAlertNow` has seen to it
    this.apply(this.#outcome(false));
    this.tellObservers();
  }
}

const nodeFinal = Socket.prototype._final;

const onFinal = (half: SentHalf, callback: FinalCallback, error?: Error | null, status?: number): void => half.onFinal(callback, error, status);
const decide = (half: SentHalf): void => half.decide();
