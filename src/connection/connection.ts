/**
 * One TLS connection: how each side of it ended, and who waits for that. It is kept on the socket for as long as that lives.
 * What happens to it comes from the socket's four methods (methods.ts); the states and the answers are in closure/closure.ts.
 */
import type { TLSSocket } from 'node:tls';
import { seen, type Closure, type Goal } from '../closure/closure.js';
import { isTlsError, type TlsShutdownError } from '../errors.js';
import { askSocket } from '../node/canary.js';
import { dropLateWrites } from '../node/final.js';
import { hadTlsError, isWriting } from '../node/handle.js';
import { outsideReads } from '../node/read-callback.js';
import type { ShutdownState } from '../types.js';
import { keep, putMethods, watcherOf, type FinalCallback, type Originals, type Watcher } from './methods.js';
import { OurHalf } from './our-half.js';
import { PeerHalf } from './peer-half.js';
import { inNextTurn } from './turn.js';

/** A call that waits. */
export interface Waiting {
  readonly goal: Goal;
  /** Inbound data that nobody consumes is thrown away. */
  readonly discards: boolean;
  onChange(): void;
}

export class Connection implements Watcher {
  readonly socket: TLSSocket;
  readonly ours: OurHalf;
  readonly peer: PeerHalf;
  life: 'alive' | 'destroyed';
  /** What ended it: an error of TLS or of the transport, or what the socket was destroyed with. */
  error: Error | undefined;
  /** Of the last call that ended in -1. */
  lastError: TlsShutdownError | undefined;
  readonly calls = new Set<Waiting>();
  readonly #originals: Originals | undefined;
  #holdsErrors = false;
  /** Of an `end()` that nobody saw: the transport has been ended. */
  #dropTheRest = (): void => {};

  /** `byCall`: a shutdown call begins the watching, so the peer may have sent anything before. Who calls `watch()` says that it has not. */
  constructor(socket: TLSSocket, byCall: boolean) {
    this.socket = socket;
    this.life = socket.destroyed ? 'destroyed' : 'alive';
    this.error = socket.errored ?? undefined;
    if (this.life === 'alive') {
      askSocket(socket);
      this.#originals = putMethods(socket); // first: it refuses a socket whose methods can't be replaced
    }
    const isShared = keep(socket, this);
    this.ours = new OurHalf(this);
    this.peer = new PeerHalf(this, !isShared);
    this.#readPast();
    if (this.life === 'alive') this.peer.countBytes(byCall);
  }

  /** What happened before anybody watched. */
  #readPast(): void {
    const { socket, life, error } = this;
    const hadError = hadTlsError(socket);
    if (socket.writableEnded) {
      this.ours.noticeUnseen(hadError);
      if (life === 'alive') this.#dropTheRest = dropLateWrites(socket);
      if (socket.writableFinished) this.#dropTheRest();
      else if (life === 'alive') socket.prependListener('finish', this.#tlsShutdownOnFinish); // first: another's may throw
    }
    this.peer.readPast(hadError || (life === 'destroyed' && error !== undefined && isOfConnection(error)));
  }

  readonly #tlsShutdownOnFinish = (): void => {
    this.#dropTheRest();
    this.ours.onUnseenFinish();
    if (this.ours.alert === 'unseen') this.peer.startFeeding(); // if a write was still under way
    this.tell();
    this.#leaveFinish();
  };

  /** Not at once: a `'removeListener'` listener may throw. */
  #leaveFinish(): void {
    inNextTurn(() => this.socket.off('finish', this.#tlsShutdownOnFinish));
  }

  /** Both halves, as callers see them. */
  get state(): ShutdownState {
    return seen(this.ours.state, this.peer.state);
  }

  /** All that an answer depends on. */
  get closure(): Closure {
    const { ours, peer, life, error } = this;
    const kind = error && (isTlsError(error) ? 'ERR_TLS_SHUTDOWN_PROTOCOL' : 'ERR_TLS_SHUTDOWN_TRANSPORT');
    return { ours: ours.state, peer: peer.state, life, error: kind };
  }

  get ownFinal(): TLSSocket['_final'] | undefined {
    return this.#originals?.final;
  }

  /** Notices somebody's `end()`. Where TLS has ended it also brings our own end forward, since our alert is the proof of the peer's. */
  notice(): void {
    this.ours.notice();
    if (this.peer.state !== 'ended') return;
    this.ours.release();
    const { socket } = this;
    if (socket.allowHalfOpen || !socket.readableEnded || socket.writableEnded || socket.destroyed) return;
    socket.end(); // Node does it in the next tick
    this.ours.notice();
  }

  /** Ends our side, outside of read callbacks. */
  end(): void {
    const { socket } = this;
    if (!socket.writableEnded && !socket.destroyed) socket.end();
  }

  tell(): void {
    for (const call of [...this.calls]) call.onChange();
  }

  /** From now on an `'error'` of this socket can't end the process any more. Other listeners still hear it. */
  holdErrors(): void {
    const { socket } = this;
    if (this.#holdsErrors || (socket.closed && !socket.errored)) return;
    this.#holdsErrors = true;
    socket.on('error', this.#tlsShutdownOnError);
    if (this.life === 'destroyed') this.#releaseErrors();
  }

  readonly #tlsShutdownOnError = (error: Error): void => {
    if (this.error === undefined && this.life === 'alive') this.fail(error); // of a Node that has no `_tlsError` any more
  };

  #releaseErrors(): void {
    const { socket } = this;
    const release = (): void => void socket.off('error', this.#tlsShutdownOnError);
    if (socket.closed) inNextTurn(release); // Node emits 'error' and 'close' a tick after that, and perhaps has done so
    else socket.once('close', release);
  }

  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    if (chunk === null) return this.peer.onEnd();
    this.peer.onData((chunk as Buffer).length);
    return this.#isUnwanted() || this.#pass(chunk, encoding);
  }

  passEndOn(): boolean {
    return this.#pass(null);
  }

  #pass(chunk: unknown, encoding?: BufferEncoding): boolean {
    try {
      return this.#originals!.push.call(this.socket, chunk, encoding);
    } catch (thrown) {
      if (!this.peer.throwsLater(thrown)) throw thrown;
      return true;
    }
  }

  /** Nobody consumes it, and a call discards it. A paused consumer still counts, but not in a quiet shutdown. */
  #isUnwanted(): boolean {
    const { socket, ours, calls } = this;
    if ((!ours.isQuiet && calls.size === 0) || socket.readableFlowing === true) return false;
    const all = [...calls];
    if (ours.isQuiet || all.some(({ goal }) => goal === 'quiet')) return true;
    return all.some(({ discards }) => discards) && socket.listenerCount('readable') === 0 && socket.listenerCount('data') === 0;
  }

  final(callback: FinalCallback): void {
    this.ours.final(callback, (this.peer.isOver || outsideReads()) && !isWriting(this.socket));
  }

  onAlert(): void {
    this.peer.onOurAlert();
  }

  onFlushed(): void {
    if (this.ours.isQuiet || this.ours.alert === 'written') this.peer.startFeeding();
  }

  /** OpenSSL failed, or the peer sent a fatal alert: nothing goes either way any more, though Node does not destroy the socket. */
  tlsError(error: Error): unknown {
    this.fail(error);
    return this.#originals!.tlsError!.call(this.socket, error);
  }

  fail(error: Error): void {
    this.error ??= error;
    if (isOfConnection(error)) this.peer.fail();
    this.tell();
  }

  destroy(error: Error | null, callback: FinalCallback): void {
    this.notice();
    this.life = 'destroyed';
    const failed = error !== null && isOfConnection(error);
    if (error !== null) this.error ??= error;
    if (failed) {
      this.ours.fail();
      this.peer.fail();
    }
    this.peer.concludeBeforeDestroy();
    // Node's HTTP client destroys its socket at the peer's end. Our alert is still owed, and it is the proof of the peer's.
    if (this.peer.state === 'ended' && error === null && this.ours.state === 'open' && this.ours.canSendNow) this.ours.begin(false);
    this.ours.release(); // without us it would have been sent before; what is still to be read is lost anyway
    if (failed) this.#free(error, callback); // after a reset what is written counts too, and is lost
    else this.ours.endBeforeDestroy(() => this.#free(error, callback));
  }

  #free(error: Error | null, callback: FinalCallback): void {
    this.peer.destroyed();
    if (this.socket.listeners('finish').includes(this.#tlsShutdownOnFinish)) this.#leaveFinish();
    try {
      if (this.#holdsErrors) this.#releaseErrors();
    } finally {
      this.#destroy(error, callback);
    }
  }

  #destroy(error: Error | null, callback: FinalCallback): void {
    try {
      this.#originals!.destroy.call(this.socket, error, callback as (error?: Error | null) => void);
    } catch (thrown) {
      callback(thrown as Error); // as Node does with what an application's own method throws
    } finally {
      this.tell();
    }
  }
}

/** An error of the connection, and so of the peer's half; an application's own `destroy(error)` is none. */
export function isOfConnection(error: unknown): boolean {
  return isTlsError(error) || (typeof error === 'object' && error !== null && 'syscall' in error);
}

export function connectionOf(socket: TLSSocket): Connection | undefined {
  return watcherOf(socket) as Connection | undefined;
}

export function watchSocket(socket: TLSSocket, byCall = false): Connection {
  return connectionOf(socket) ?? new Connection(socket, byCall);
}
