/** Our half of a connection: from `end()` to the kernel's answer. */
import type { TLSSocket } from 'node:tls';
import { isDone, nextOfOurs, type OurEvent, type OurState } from '../closure/closure.js';
import { endTransport, nodeFinal } from '../node/final.js';
import { inHandshake, isKernelTransport } from '../node/handle.js';
import { stopReading } from '../node/reading-end.js';
import { WritingEnd } from '../node/writing-end.js';
import type { FinalCallback } from './methods.js';
import { inNextTurn } from './turn.js';

/** What our half needs of its connection. */
interface Owner {
  readonly socket: TLSSocket;
  readonly life: 'alive' | 'destroyed';
  /** The socket's own `_final`; `undefined` if it was destroyed before anybody watched. */
  readonly ownFinal: TLSSocket['_final'] | undefined;
  /** OpenSSL has written our alert, or never will. */
  onAlert(): void;
  /** Nothing of ours is to be written any more. */
  onFlushed(): void;
  tell(): void;
}

export class OurHalf {
  state: OurState = 'open';
  /** What OpenSSL has done with our alert. `unseen`: Node had called `_final` before anybody watched. */
  alert: 'to come' | 'written' | 'not written' | 'unseen' = 'to come';
  readonly #owner: Owner;
  /** In `held`: what `_final` was called with. */
  #held: FinalCallback | undefined;
  /** From `sending` on. */
  #writing: WritingEnd | undefined;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  #apply(event: OurEvent): void {
    this.state = nextOfOurs(this.state, event);
  }

  get isQuiet(): boolean {
    return this.state === 'quieting' || this.state === 'quiet';
  }

  get isDone(): boolean {
    return isDone(this.state);
  }

  /** A call ends our half. */
  begin(quietly: boolean): void {
    this.#apply(quietly ? 'end_quietly' : 'end');
  }

  /** Anybody's `end()` queues the alert. Here it is noticed. */
  notice(): void {
    if (this.state === 'open' && this.#owner.socket.writableEnded) this.#apply('end');
  }

  /** Somebody had called `end()` before anybody watched. `hadError`: TLS had failed, and OpenSSL writes nothing behind that. Which came first is not known. */
  noticeUnseen(hadError: boolean): void {
    const { socket, life } = this.#owner;
    this.notice();
    if (socket.writableLength === 0) this.alert = 'unseen'; // Node has called _final already
    // While the handshake runs OpenSSL refuses the alert (SHUTDOWN_WHILE_IN_INIT), and Node sends a bare FIN. But an end() behind data waits for the handshake.
    const tooEarly = life === 'alive' && inHandshake(socket) && this.alert === 'unseen';
    if (tooEarly || hadError) this.#apply('nothing_written');
    else if (socket.writableFinished) this.#apply('flushed');
  }

  onUnseenFinish(): void {
    this.#apply('flushed');
  }

  /** Node's `_final`. `now`: this is surely no read callback, or there is nothing left to be read. */
  final(callback: FinalCallback, now: boolean): void {
    this.notice();
    if (now) return this.#send(callback);
    this.#apply('hold');
    this.#held = callback;
    inNextTurn(() => this.release());
  }

  /** What is held goes on. */
  release(): void {
    const callback = this.#held;
    this.#held = undefined;
    if (callback === undefined) return;
    try {
      this.#send(callback);
    } catch (thrown) {
      callback(thrown as Error); // as Node does with what an application's own method throws
    }
  }

  #send(callback: FinalCallback): void {
    const { socket, ownFinal } = this.#owner;
    if (this.isQuiet) return this.#endQuietly(callback); // `quiet`: its time ran out while this was held
    this.#apply('send');
    const writing = (this.#writing = new WritingEnd(socket, ownFinal!));
    // An end of reading within this call proves nothing: it may come behind our alert, and is not fed yet. (A Duplex may push within its write.)
    this.alert = 'not written';
    try {
      writing.send((error, status) => this.#onSent(callback, error, status));
    } finally {
      this.#noticeAlert(writing);
    }
  }

  #noticeAlert(writing: WritingEnd): void {
    if (this.alert === 'written') return;
    this.alert = writing.isAlertMade ? 'written' : 'not written';
    this.#owner.onAlert();
  }

  #endQuietly(callback: FinalCallback): void {
    const { socket } = this.#owner;
    const done: FinalCallback = (error) => this.#finish(callback, error, () => this.flushedQuietly());
    if (endTransport(socket, done)) return;
    done();
    socket.destroy();
  }

  /** All that was written is with the kernel. */
  flushedQuietly(): void {
    this.#apply('flushed_quietly');
    this.alert = 'not written';
    this.#owner.onFlushed();
  }

  #onSent(callback: FinalCallback, error: Error | null | undefined, status: number | undefined): void {
    const writing = this.#writing!;
    if (writing.needsTurn) inNextTurn(() => this.#onOutcome(writing, callback, error, status));
    else this.#onOutcome(writing, callback, error, status);
  }

  #onOutcome(writing: WritingEnd, callback: FinalCallback, error: Error | null | undefined, status: number | undefined): void {
    this.#finish(callback, error, () => {
      this.#noticeAlert(writing); // an application's own method may have called Node's by now
      this.#owner.onFlushed();
      const outcome = writing.outcome(status, false);
      this.#apply(outcome);
      // 'finish' is not held back for it, or ECONNRESET could overtake it.
      if (outcome === 'in_doubt') inNextTurn(() => this.#settle(writing));
    });
  }

  #finish(callback: FinalCallback, error: Error | null | undefined, flushed: () => void): void {
    if (!error && this.#owner.life === 'alive') flushed(); // else its handle is gone, and Node 22 calls back all the same
    try {
      callback(error);
    } finally {
      if (this.#owner.life === 'alive') this.#owner.tell(); // else _destroy does
    }
  }

  #settle(writing: WritingEnd): void {
    if (this.#owner.life === 'destroyed') return; // endBeforeDestroy has seen to it
    this.#apply(writing.outcome(undefined, true));
    this.#owner.tell();
  }

  /** The connection has failed: a reset. */
  fail(): void {
    if (this.state === 'settling') this.#apply('refused');
  }

  /** Nothing stands before our alert, and it can be written at once. */
  get canSendNow(): boolean {
    const { socket, ownFinal } = this.#owner;
    return !socket.writableEnded && socket.writableLength === 0 && ownFinal === nodeFinal && isKernelTransport(socket) && !inHandshake(socket);
  }

  /**
   * Somebody destroys the socket between a call and its `end()`, or right behind `end()`: a `for await` loop does so at its end. If nothing stands before our
   * alert, it leaves all the same, as it would without us. `then` is called when it is known whether it has left: at once, or a turn later.
   */
  endBeforeDestroy(then: () => void): void {
    if (this.state === 'open' || this.isQuiet || this.isDone || (this.state !== 'settling' && !isKernelTransport(this.#owner.socket))) return then();
    if (this.canSendNow) this.#send(() => {});
    const writing = this.#writing;
    const outcome = writing?.outcomeNow();
    if (outcome !== undefined) this.#apply(outcome);
    if (writing === undefined || this.state !== 'settling') return then();
    stopReading(this.#owner.socket);
    inNextTurn(() => {
      this.#apply(writing.outcome(undefined, true));
      then();
    });
  }
}
