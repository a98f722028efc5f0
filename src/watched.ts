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
import { CLOSED, PEER_EVENT } from './machine.js';
import { ledgerOf, type SocketLedger } from './open-ledger.js';
import { readCallbackAbove } from './read-callback.js';
import { SentHalf } from './sent-half.js';
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
  #verdict: internals.Verdict = 'unverified';
  #ledger: SocketLedger | undefined;

  constructor(socket?: TLSSocket) {
    super(socket!); // always there but in `kept`
    if (socket !== undefined) this.#begin(socket);
  }

  #begin(socket: TLSSocket): void {
    this.destroyed = socket.destroyed;
    this.error = socket.errored ?? undefined;
    this.#readPast();
    (socket as Watched)[WATCH] = this;
    if (this.destroyed) return;
    this.original = shadow(socket);
    const duplex = internals.duplexUnder(socket);
    if (duplex !== undefined) this.duplexEnd = new DuplexEnd(duplex);
    if (!internals.inHandshake(socket)) this.openLedger();
    else if (OPENSSL_HIDES_CLOSE_NOTIFY) socket.once('secure', tlsShutdownOnSecure); // undocumented; both sides, before 'secureConnect'
  }

  /** What happened before anybody watched. */
  #readPast(): void {
    const { socket } = this;
    if (socket.writableEnded) {
      this.#doubt = true; // if that end() was called in a read callback, OpenSSL dropped what else had come, perhaps the alert
      this.noticeEnd();
      if (socket.writableFinished) this.apply('alert_written');
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

  openLedger(): void {
    this.#ledger = ledgerOf(this.socket);
  }

  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    if (chunk !== null) {
      this.#ledger?.get()?.record((chunk as Buffer).length, internals.ciphertextRead(this.socket));
      this.#doubt = false; // plaintext still comes, so OpenSSL has not stopped
      if (this.discarding > 0 && this.#isUnwanted()) return true;
      return this.original!.push.call(this.socket, chunk, encoding);
    }
    if (this.judging) {
      // Before OpenSSL 3.2 (Node 20): alerts that sat unread when the FIN came end the stream first, the FIN a second time, in one turn.
      if (this.#verdict === 'fin' && !OPENSSL_HIDES_CLOSE_NOTIFY && internals.isKernelTransport(this.socket) && !internals.inHandshake(this.socket)) {
        this.#verdict = readCallbackAbove(watchedPush) === 'directly' ? 'close_notify' : 'unverified'; // an application may push null, too
      }
      return false;
    }
    if (this.state.received !== 'open' || this.destroyed) return this.original!.push.call(this.socket, null);
    this.judging = true;
    // In the handshake an alert is not authenticated: anybody on the path can inject it.
    const early = internals.inHandshake(this.socket);
    // A `push` that somebody put over ours may let the null out later.
    const foreign = this.socket.push !== watchedPush;
    const late = foreign && readCallbackAbove(watchedPush) === 'no';
    this.#verdict = early || late ? 'unverified' : internals.verdictAtEnd(this.socket, this.duplexEnd?.seen === true, foreign);
    if (this.#verdict === 'close_notify') {
      // Proved, and final: Node ends the stream by an alert only at SSL_ERROR_ZERO_RETURN, never at a fatal alert (20 to 26).
      this.#record();
      try {
        return this.original!.push.call(this.socket, null);
      } finally {
        this.tellObservers(); // also if a listener of the application throws
      }
    }
    const ledger = this.#verdict === 'fin' ? this.#ledger?.get() : undefined;
    if (ledger !== undefined) {
      const ticket = this.socket.getTLSTicket()?.length ?? 0; // undefined on a server
      this.#doubt ||= ledger.mayHide(internals.ciphertextRead(this.socket), internals.plaintextRead(this.socket), ticket);
    }
    this.#judgeLater();
    return false;
  }

  /** The context of its listeners is that of this read. */
  #judgeLater(): void {
    inNextTurn(AsyncResource.bind(() => this.judge(), 'TLSSHUTDOWN'), undefined);
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

  judgeLate(clean: boolean): void {
    if (!this.judging) return;
    this.#verdict = clean && !internals.inHandshake(this.socket) ? 'close_notify' : 'unverified';
    this.#record();
    this.tellObservers();
  }

  #record(): void {
    this.judging = false;
    const verdict = this.#verdict === 'fin' && this.#doubt ? 'unverified' : this.#verdict;
    this.apply(PEER_EVENT[verdict]);
    this.duplexEnd?.stop();
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
    finalNow(this); // without us it would have come before; what is still to be read is lost anyway
    const isKnown = failed || this.sendAlertNow(); // after a reset what is written counts too, and is lost
    if (this.judging) this.#record();
    else if (this.state.received === 'open' && internals.destroysAtRead(this.socket) && internals.verdictAtEnd(this.socket, false) === 'close_notify') this.apply('peer_close_notify');
    this.duplexEnd?.stop();
    if (isKnown) this.#close(error, callback);
    else this.decideLater(this.#close.bind(this, error, callback));
  }

  #close(error: Error | null, callback: FinalCallback): void {
    try {
      // An 'error' event's context is that of who destroys it.
      if (this.state === CLOSED && error === null) this.freeLater(free.bind(undefined, this, callback));
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
    this.apply('peer_error');
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
  this[WATCH]!.openLedger();
}
function tlsShutdownOnFinish(this: Watched): void {
  const watch = this[WATCH]!;
  watch.apply('alert_written');
  watch.tellObservers();
}
