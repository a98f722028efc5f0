/** The peer's half of a connection: from the end of reading to the verdict. */
import type { TLSSocket } from 'node:tls';
import { nextOfPeer, type PeerEvent, type PeerState } from '../closure/closure.js';
import { RecordEnds } from '../closure/record.js';
import { FeedAndAsk } from '../node/feed-and-ask.js';
import { ciphertextRead, duplexUnder, inHandshake, isKernelTransport, plaintextRead, readSideEnded } from '../node/handle.js';
import { readCallbackAbove } from '../node/read-callback.js';
import { DuplexEnd, destroysAtRead, lookAtEnd, readAgain, stillReadsAfterEnd, type Look } from '../node/reading-end.js';
import { IS_NODE, TELLS_RESETS_AS_ENDS } from '../node/runtime.js';
import { isTcp, transportGone } from '../node/writing-end.js';
import { watchedPush } from './methods.js';
import type { OurHalf } from './our-half.js';
import { OPENSSL_HIDES_CLOSE_NOTIFY, ReceivedBytes } from './received-bytes.js';
import { inNextTurn } from './turn.js';

/** What the peer's half needs of its connection. */
interface Owner {
  readonly socket: TLSSocket;
  readonly life: 'alive' | 'destroyed';
  readonly ours: OurHalf;
  /** Node's own `push(null)`: from now on the application may hear of the end. */
  passEndOn(): boolean;
  /** The kernel says that the peer has reset the connection. */
  fail(error: Error): void;
  tell(): void;
}

export class PeerHalf {
  state: PeerState = 'open';
  readonly #owner: Owner;
  /** Nothing is asked. Another version of this package watches the socket, and the second to ask may be told of an end that was none. Or this is not Node. */
  readonly #isBlind: boolean;
  /** In `judging`: what the end looks like. */
  #look: Look | 'close_notify' = 'unverified';
  #feed: FeedAndAsk | undefined;
  readonly #duplexEnd: DuplexEnd | undefined;
  #bytes: ReceivedBytes | undefined;

  constructor(owner: Owner, isBlind: boolean) {
    this.#owner = owner;
    this.#isBlind = isBlind || !IS_NODE;
    const duplex = owner.life === 'alive' ? duplexUnder(owner.socket) : undefined;
    if (duplex !== undefined) this.#duplexEnd = new DuplexEnd(duplex);
  }

  #apply(event: PeerEvent): void {
    this.state = nextOfPeer(this.state, event);
  }

  get isBeingJudged(): boolean {
    return this.state === 'judging' || this.state === 'late';
  }

  /** The end of reading has come, and its verdict. */
  get isOver(): boolean {
    return this.state !== 'open' && !this.isBeingJudged;
  }

  /** What happened before anybody watched. */
  readPast(hadError: boolean): void {
    const { socket, life, ours } = this.#owner;
    if (hadError) this.#apply('failed');
    else if (life === 'destroyed') {
      if (readSideEnded(socket)) this.#apply('untold');
    } else if (readSideEnded(socket)) this.#judgeLate();
    else if (ours.alert === 'unseen') this.startFeeding();
  }

  /** Only two yeses with a whole poll between them are a proof that the transport is still being read. */
  #judgeLate(): void {
    const { socket } = this.#owner;
    this.#apply('was_over');
    if (this.#isBlind || !stillReadsAfterEnd(socket)) return void inNextTurn(() => this.#concludeLate(false));
    inNextTurn(() => inNextTurn(() => this.#concludeLate(stillReadsAfterEnd(socket))));
  }

  #concludeLate(stillRead: boolean): void {
    if (this.state !== 'late') return;
    this.#conclude(stillRead && !inHandshake(this.#owner.socket) ? 'ended' : 'unverified');
    this.#owner.tell();
  }

  /** From the end of the handshake on. `late`: if that is over already, anything may have come since. */
  countBytes(late: boolean): void {
    const { socket } = this.#owner;
    if (!OPENSSL_HIDES_CLOSE_NOTIFY) return;
    if (!inHandshake(socket)) this.#bytes = new ReceivedBytes(socket, !late);
    else socket.prependOnceListener('secure', () => (this.#bytes = new ReceivedBytes(socket, true))); // undocumented; both sides, before 'secureConnect'
  }

  /** Plaintext came out. */
  onData(length: number): void {
    this.#bytes?.ledger()?.record(length, ciphertextRead(this.#owner.socket));
  }

  /** From now on the end of reading can be proved. */
  startFeeding(): void {
    const { socket, life } = this.#owner;
    if (this.#isBlind || this.#feed !== undefined || this.state !== 'open' || life === 'destroyed' || inHandshake(socket)) return;
    this.#feed = FeedAndAsk.begin(socket, new RecordEnds());
  }

  /** What a listener has thrown while we feed OpenSSL. */
  throwsLater(thrown: unknown): boolean {
    return this.#feed?.throwsLater(thrown) === true;
  }

  onOurAlert(): void {
    if (this.#owner.ours.alert !== 'written') return;
    this.#apply('our_alert_left');
    this.startFeeding();
  }

  /** `push(null)`. */
  onEnd(): boolean {
    const { socket, life } = this.#owner;
    if (this.state === 'judging') return this.#onSecondEnd();
    if (this.isOver || life === 'destroyed') return this.#owner.passEndOn();
    const look = this.#lookAtEnd();
    if (look === 'fin' || look === 'unverified') {
      this.#apply('judge');
      this.#look = look;
      if (look === 'fin' && this.#feed !== undefined && isTcp(socket)) inNextTurn(() => this.#readAgain());
      else inNextTurn(() => this.#judge());
      return false;
    }
    this.#conclude(look);
    try {
      return this.#owner.passEndOn();
    } finally {
      this.#owner.tell(); // also if a listener of the application throws
    }
  }

  /** Node 20 (OpenSSL before 3.2) reports the end twice in one turn if an alert was still unread when the FIN came: first for the alert, then for the FIN. */
  #onSecondEnd(): boolean {
    const { socket } = this.#owner;
    if (this.#look === 'fin' && this.#feed === undefined && !OPENSSL_HIDES_CLOSE_NOTIFY && isKernelTransport(socket) && !inHandshake(socket)) {
      this.#look = readCallbackAbove(watchedPush) === 'directly' ? 'ended' : 'unverified'; // an application may push null, too
    }
    return false;
  }

  #lookAtEnd(): Look | 'close_notify' {
    const { socket, ours } = this.#owner;
    if (this.#isBlind || inHandshake(socket)) return 'unverified'; // in the handshake an alert is not authenticated: anybody on the path can inject it
    const foreign = socket.push !== watchedPush; // a `push` that somebody put over ours may let the null out later
    if (this.#feed === undefined) {
      if (ours.alert === 'unseen') return 'unverified'; // if that end() was called in a read callback, OpenSSL dropped what else had come, perhaps an alert
      return foreign && readCallbackAbove(watchedPush) === 'no' ? 'unverified' : lookAtEnd(socket, this.#duplexEnd?.seen === true, foreign);
    }
    // A Duplex does not tell whether the TLS layer is at its end. So the null has to come from Node.
    const caller = foreign || this.#duplexEnd !== undefined ? readCallbackAbove(watchedPush) : 'directly';
    return caller === 'no' || (caller === 'somewhere' && !foreign) ? 'unverified' : this.#feed.look;
  }

  /** Whether an alert may have come before this FIN that OpenSSL does not show. */
  #mayHideAlert(): boolean {
    const { socket, ours } = this.#owner;
    // An unseen end() in a read callback may have made an outer TLS layer drop what else had come. A Duplex may have such a layer under it.
    if (ours.alert === 'unseen' && !isKernelTransport(socket)) return true;
    const readOn = this.#feed?.readOn;
    if (readOn !== undefined) return !readOn;
    return this.#bytes?.ledger()?.mayHide(ciphertextRead(socket), plaintextRead(socket), socket.getTLSTicket()?.length ?? 0) ?? false;
  }

  /**
   * If data and a reset come in one poll, libuv reports the reset as an end (Node 20 to 26). Who reads again is told. Before our alert is out that is the TLS
   * layer, and that of Node 20 passes nothing on. A whole poll lies between two turns.
   */
  #readAgain(): void {
    if (this.#owner.life === 'alive') readAgain(this.#owner.socket);
    inNextTurn(() => inNextTurn(() => this.#judge()));
  }

  /** No second end came. Only now the stream ends, so that `'end'` never runs ahead of the verdict. */
  #judge(): void {
    if (this.state !== 'judging') return; // destroyed meanwhile
    this.#conclude(this.#look);
    try {
      this.#owner.passEndOn();
      this.#owner.socket.read(0); // lets 'end' be emitted if nothing is unread, as Node does after its push(null)
    } finally {
      this.#owner.tell();
    }
  }

  #conclude(look: Look | 'close_notify'): void {
    if (look === 'close_notify') this.#apply('proved');
    else if (look === 'ended' && this.#owner.ours.alert === 'to come') this.#apply('end');
    else if (look !== 'fin' && !(TELLS_RESETS_AS_ENDS && this.#wasReset())) this.#apply('untold');
    else if (this.#wasReset()) this.#owner.fail(Object.assign(new Error('The connection was reset'), { code: 'ECONNRESET', syscall: 'shutdown' }));
    else this.#apply(this.#mayHideAlert() ? 'untold' : 'cut');
    this.#duplexEnd?.stop();
  }

  /** After a reset TCP has no peer name. After our own FIN it may have none without a reset: then only an alert of ours that was refused tells. */
  #wasReset(): boolean {
    const { socket, ours } = this.#owner;
    return ours.state === 'refused' || (ours.alert === 'to come' && isTcp(socket) && transportGone(socket));
  }

  fail(): void {
    this.#apply('failed');
  }

  /** The socket is being destroyed: a verdict waits for nothing any more. */
  concludeBeforeDestroy(): void {
    const { socket } = this.#owner;
    if (this.isBeingJudged) this.#conclude(this.state === 'late' ? 'unverified' : this.#look);
    else if (this.state === 'open' && !this.#isBlind && destroysAtRead(socket)) {
      const look = this.#feed?.look ?? lookAtEnd(socket, this.#duplexEnd?.seen === true);
      if (look === 'ended' || look === 'close_notify') this.#conclude(look);
    }
    this.#duplexEnd?.stop();
  }

  /** After our half has had its last chance. */
  destroyed(): void {
    this.#apply('our_alert_never');
  }
}
