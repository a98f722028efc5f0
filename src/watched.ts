/**
 * Records how each side of a TLS connection ended, for as long as the socket lives. Our half is in sent-half.ts.
 *
 * It listens to no event. Three methods that Node calls on the socket are shadowed: `push` (how did reading end?), `_final` (was our alert
 * written?) and `_destroy` (who ended it, and why?). The record is kept on the socket under `Symbol.for`, so that two copies of this package
 * in one tree share one record, and only one of them asks the transport (asking twice would forge a clean end; see internals.ts).
 */
import { AsyncResource } from 'node:async_hooks';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { DuplexEnd } from './duplex-end.js';
import { isTlsError, type TlsShutdownError } from './errors.js';
import { freeSoon } from './freeing.js';
import { holdErrors, releaseErrors } from './held-errors.js';
import * as internals from './internals.js';
import { OPENSSL_HIDES_CLOSE_NOTIFY } from './ledger.js';
import { CLOSED } from './machine.js';
import { ledgerOf, type SocketLedger } from './open-ledger.js';
import { readCallbackAbove } from './read-callback.js';
import { SentHalf } from './sent-half.js';
import { isTcp, transportGone } from './sent-internals.js';
import { WATCH, finalNow, shadow, watchedPush, type FinalCallback, type Shadowed } from './shadow.js';
import { inNextTurn } from './turn.js';

export type Watched = Shadowed<Watch>;

export class Watch extends SentHalf {
  /** Of no socket: only its hidden class is wanted (see `Call.kept` in shutdown.ts). */
  static readonly kept = new Watch();

  /** The end of reading was seen and is being judged: no call is answered meanwhile. */
  judging = false;
  /** What the socket was destroyed with. */
  error: Error | undefined;
  lastError: TlsShutdownError | undefined;
  /** How many calls wait, or have begun a quiet end, that discard what nobody consumes. */
  discarding = 0;
  /** How many of them are quiet. */
  quietCalls = 0;
  /** Says when a socket is freed that is destroyed after a two-way shutdown. */
  freeLater = freeSoon;
  #holdsErrors = false;
  /** Why a FIN that is seen may hide a `close_notify`. */
  #doubt = false;
  #look: internals.Look | 'close_notify' = 'unverified';
  /** TLS ended by itself: by `close_notify`, if our alert leaves. */
  #awaitsAlert = false;
  #ledger: SocketLedger | undefined;

  /** `byCall`: by the first shutdown call, so that the peer may have said anything before; by `watch()`, its caller says that it has not. */
  constructor(socket?: TLSSocket, byCall = false) {
    super(socket!); // always there but in `kept`
    if (socket !== undefined) this.#begin(socket, byCall);
  }

  #begin(socket: TLSSocket, byCall: boolean): void {
    this.destroyed = socket.destroyed;
    this.error = socket.errored ?? undefined;
    this.#readPast();
    (socket as Watched)[WATCH] = this;
    if (this.destroyed) return;
    this.original = shadow(socket);
    const duplex = internals.duplexUnder(socket);
    if (duplex !== undefined) this.duplexEnd = new DuplexEnd(duplex);
    if (this.alert === 'unseen' && !this.judging) this.beginFeeding();
    if (!internals.inHandshake(socket)) this.openLedger(!byCall);
    else if (OPENSSL_HIDES_CLOSE_NOTIFY) socket.once('secure', tlsShutdownOnSecure); // undocumented; both sides, before 'secureConnect'
  }

  /** What happened before anybody watched. */
  #readPast(): void {
    const { socket } = this;
    if (socket.writableEnded) {
      this.noticeEnd();
      if (socket.writableLength === 0) this.alert = 'unseen'; // Node has called _final already
      if (internals.hadTlsError(socket)) this.apply('alert_lost'); // OpenSSL writes nothing behind its own error; which of the two came first is not known
      else if (socket.writableFinished) this.apply('alert_written');
      else if (!this.destroyed) socket.once('finish', tlsShutdownOnFinish);
    }
    if (internals.hadTlsError(socket)) this.apply('peer_error');
    if (this.destroyed) {
      if (this.error !== undefined) this.#recordError(this.error);
      else if (socket.readableEnded && socket.writableFinished) this.apply('peer_unverified');
    } else if (internals.readSideEnded(socket) && this.state.received === 'open') {
      this.judging = true;
      if (internals.stillReadsAfterEnd(socket)) inNextTurn(judgeLateFirst, this);
      else inNextTurn(judgeLate, this);
    }
  }

  /** From now on an `'error'` of this socket can't end the process any more; listeners of others still hear it. */
  holdErrors(): void {
    if (this.#holdsErrors || (this.socket.closed && !this.socket.errored)) return;
    this.#holdsErrors = true;
    holdErrors(this.socket, this.destroyed);
  }

  openLedger(inTime: boolean): void {
    this.#ledger = ledgerOf(this.socket, inTime);
  }

  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    if (chunk !== null) {
      this.#ledger?.get()?.record((chunk as Buffer).length, internals.ciphertextRead(this.socket));
      if (this.discarding > 0 && this.#isUnwanted()) return true;
      return this.original!.push.call(this.socket, chunk, encoding);
    }
    if (this.judging) {
      // Before OpenSSL 3.2 (Node 20): alerts that sat unread when the FIN came end the stream first, the FIN a second time, in one turn.
      if (this.#look === 'fin' && this.feed === undefined && !OPENSSL_HIDES_CLOSE_NOTIFY && internals.isKernelTransport(this.socket) && !internals.inHandshake(this.socket)) {
        this.#look = readCallbackAbove(watchedPush) === 'directly' ? 'ended' : 'unverified'; // an application may push null, too
      }
      return false;
    }
    if (this.hasRead || this.destroyed) return this.original!.push.call(this.socket, null);
    this.judging = true;
    this.#look = this.#lookAtEnd();
    if (this.#look === 'fin' || this.#look === 'unverified') {
      this.#doubt = this.#look === 'fin' && this.#mayHideAlert();
      this.#judgeLater();
      return false;
    }
    this.#record();
    try {
      return this.original!.push.call(this.socket, null);
    } finally {
      this.tellObservers(); // also if a listener of the application throws
    }
  }

  #lookAtEnd(): internals.Look | 'close_notify' {
    const { socket, feed } = this;
    // In the handshake an alert is not authenticated: anybody on the path can inject it.
    if (internals.inHandshake(socket)) return 'unverified';
    // If that unseen end() was called in a read callback, OpenSSL dropped what else had come, perhaps an alert.
    if (feed === undefined && this.alert === 'unseen') return 'unverified';
    // A `push` that somebody put over ours may let the null out later.
    const foreign = socket.push !== watchedPush;
    if (feed === undefined) return foreign && readCallbackAbove(watchedPush) === 'no' ? 'unverified' : internals.lookAtEnd(socket, this.duplexEnd?.seen === true, foreign);
    // A Duplex does not tell whether the TLS layer is at its end. So the null has to come from Node.
    const caller = foreign || this.duplexEnd !== undefined ? readCallbackAbove(watchedPush) : 'directly';
    return caller === 'no' || (caller === 'somewhere' && !foreign) ? 'unverified' : feed.look;
  }

  /** Whether an alert may have come before this FIN that OpenSSL does not show. */
  #mayHideAlert(): boolean {
    // An unseen end() in a read callback may have made an outer TLS layer drop what else had come. A Duplex may have one under it.
    if (this.alert === 'unseen' && !internals.isKernelTransport(this.socket)) return true;
    const readOn = this.feed?.readOn;
    if (readOn !== undefined) return !readOn;
    const ledger = this.#ledger?.get();
    if (ledger === undefined) return false;
    const ticket = this.socket.getTLSTicket()?.length ?? 0; // undefined on a server
    return ledger.mayHide(internals.ciphertextRead(this.socket), internals.plaintextRead(this.socket), ticket);
  }

  /** The context of its listeners is that of this read. */
  #judgeLater(): void {
    const judge = AsyncResource.bind(() => this.judge(), 'TLSSHUTDOWN');
    if (this.#look === 'fin' && this.feed !== undefined && isTcp(this.socket)) inNextTurn(() => this.#readAgain(judge), undefined);
    else inNextTurn(judge, undefined);
  }

  /**
   * libuv reports a reset as an end where data came in the same poll (Node 20 to 26). Who reads again is told, but before our alert is out the TLS layer
   * of Node 20 is told, and passes nothing on. A whole poll lies between two turns.
   */
  #readAgain(judge: () => void): void {
    if (!this.destroyed) internals.readAgain(this.socket);
    inNextTurn(() => inNextTurn(judge, undefined), undefined);
  }

  /** Nobody consumes it. One who has stopped for a while still does, but not in a quiet shutdown. */
  #isUnwanted(): boolean {
    const { socket } = this;
    return socket.readableFlowing !== true && (this.quiet || this.quietCalls > 0 || (socket.listenerCount('readable') === 0 && socket.listenerCount('data') === 0));
  }

  /** Any other verdict is final a turn later: no second end came. Only now the stream ends, so that `'end'` never runs ahead of it. */
  judge(): void {
    if (!this.judging) return; // destroyed meanwhile
    this.#record();
    try {
      this.original!.push.call(this.socket, null);
      this.socket.read(0); // lets 'end' be emitted if nothing is unread, as Node does after its push(null)
    } finally {
      this.tellObservers();
    }
  }

  judgeLate(ended: boolean): void {
    if (!this.judging) return;
    this.#look = ended && !internals.inHandshake(this.socket) ? 'ended' : 'unverified';
    this.#record();
    this.tellObservers();
  }

  #record(): void {
    this.judging = false;
    const look = this.#look;
    if (look === 'close_notify') this.apply('peer_close_notify');
    else if (look === 'fin' && this.#wasReset()) this.#recordReset();
    else if (look === 'fin' && !this.#doubt) this.apply('peer_fin');
    else this.apply('peer_unverified');
    this.#awaitsAlert = look === 'ended' && this.alert === 'to come';
    this.duplexEnd?.stop();
  }

  /** After a reset TCP has no peer name; after our own FIN it may have none without one. A reset that our alert has met is not reported again. */
  #wasReset(): boolean {
    return this.transportGone || (this.alert === 'to come' && isTcp(this.socket) && transportGone(this.socket));
  }

  #recordReset(): void {
    this.error ??= Object.assign(new Error('The connection was reset'), { code: 'ECONNRESET', syscall: 'shutdown' });
    this.apply('peer_error');
  }

  get hasRead(): boolean {
    return this.state.received !== 'open';
  }

  protected override onAlertLeft(): void {
    if (this.#awaitsAlert) this.apply('end_proved');
    this.#awaitsAlert = false;
  }

  onUnseenFinish(): void {
    this.apply('alert_written');
    if (this.alert === 'unseen') this.beginFeeding(); // if a write was still under way
    this.tellObservers();
  }

  /** Also: with TLS at its end, our own end can be brought forward, so that the peer's is proved. */
  override noticeEnd(): void {
    super.noticeEnd();
    if (!this.#awaitsAlert) return;
    finalNow(this);
    const { socket } = this;
    if (socket.allowHalfOpen || !socket.readableEnded || socket.writableEnded || socket.destroyed) return;
    socket.end(); // Node does it in the next tick
    super.noticeEnd();
  }

  /** OpenSSL failed, or the peer sent a fatal alert: nothing goes either way any more, though Node does not destroy the socket. */
  tlsError(error: Error): unknown {
    this.fail(error);
    return this.original?.tlsError?.call(this.socket, error);
  }

  /** A TLS error of a Node that has no `_tlsError` any more is learned here. */
  onError(error: Error): void {
    if (this.error === undefined && !this.destroyed) this.fail(error);
  }

  fail(error: Error): void {
    this.error ??= error;
    this.#recordError(error);
    this.tellObservers();
  }

  destroy(error: Error | null, callback: FinalCallback): void {
    this.noticeEnd();
    this.destroyed = true;
    if (error) this.error ??= error;
    const failed = error !== null && this.#recordError(error);
    if (this.judging) this.#record();
    else if (!this.hasRead && internals.destroysAtRead(this.socket)) {
      this.#look = this.feed?.look ?? internals.lookAtEnd(this.socket, false);
      if (this.#look === 'ended' || this.#look === 'close_notify') this.#record();
    }
    // Node's HTTP client destroys its socket at the peer's end. Our alert is still owed, and it is the proof of the peer's.
    if (this.#awaitsAlert && error === null && !this.quiet && this.state.sent === 'open' && this.canSendNow()) this.apply('end');
    finalNow(this); // without us it would have come before; what is still to be read is lost anyway
    const isKnown = failed || this.sendAlertNow(); // after a reset what is written counts too, and is lost
    this.duplexEnd?.stop();
    if (isKnown) this.#close(error, callback);
    else this.decideLater(this.#close.bind(this, error, callback));
  }

  #close(error: Error | null, callback: FinalCallback): void {
    try {
      // An 'error' event's context is that of who destroys it.
      if (this.state === CLOSED && error === null && this.duplexEnd === undefined) this.freeLater(free.bind(undefined, this, callback)); // a Duplex may be closed by then
      else this.free(error, callback);
    } finally {
      this.tellObservers(); // also if a listener of the application throws
    }
  }

  free(error: Error | null, callback: FinalCallback): void {
    const { destroy } = this.original!;
    try {
      // Without an error nothing can come any more once Node itself has destroyed its own transport.
      if (this.#holdsErrors) releaseErrors(this.socket, error === null && destroy === nodeDestroy && this.duplexEnd === undefined);
    } finally {
      try {
        destroy.call(this.socket, error, callback as (error?: Error | null) => void);
      } catch (thrown) {
        callback(thrown as Error); // as Node does with what an application's own method throws
      }
    }
  }

  /** An error of the connection, and so of the peer's half; an application's own `destroy(error)` is none. */
  #recordError(error: Error): boolean {
    if (!isTlsError(error) && !('syscall' in error)) return false;
    this.judging = false;
    this.apply(this.#awaitsAlert ? 'end_failed' : 'peer_error');
    this.#awaitsAlert = false;
    return true;
  }
}

const nodeDestroy = Socket.prototype._destroy;

const judgeLate = (watch: Watch): void => watch.judgeLate(false);
/** After a second turn, so that a whole poll lies between. */
const judgeLateFirst = (watch: Watch): void => inNextTurn(judgeLateSecond, watch);
const judgeLateSecond = (watch: Watch): void => watch.judgeLate(internals.stillReadsAfterEnd(watch.socket));
const free = (watch: Watch, callback: FinalCallback): void => watch.free(null, callback);

function tlsShutdownOnSecure(this: Watched): void {
  this[WATCH]!.openLedger(true);
}
function tlsShutdownOnFinish(this: Watched): void {
  this[WATCH]!.onUnseenFinish();
}
