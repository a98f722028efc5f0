/**
 * The proof of the peer's `close_notify`, once nothing of ours is to be written any more.
 *
 * Why it is needed: a fatal alert can end the stream just as a `close_notify` does. OpenSSL marks both as "the peer has shut down". Once somebody has
 * consumed the error of a fatal alert, it reports the next read as a clean end. Node itself consumes it: it emits no error for an alert that OpenSSL has no
 * name for (about 90 of 256), and drops any error in its second `SSL_shutdown` (Node 20 to 26).
 *
 * How it works: the transport's bytes come to us. We feed them to OpenSSL in pieces that hold the end of at most one record. Behind each piece that gave
 * no plaintext we ask OpenSSL to read once more, without a new byte.
 * - A `close_notify` ends the stream while its own last byte is fed.
 * - A fatal alert ends it only when OpenSSL is asked, since no byte came in between.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_handle.receive(bytes)` | feeds the TLS layer | 0.11 | no proof: such an end is `unverified` |
 * | `_handle.newSessionDone()` | makes the TLS layer read once more without a new byte | 0.11 | the same |
 * | `_handle.readStart()` | 0 each time: the TLS layer is at its end | 12 | no proof |
 * | `_handle.onerror` | what the TLS layer calls at an error of OpenSSL | 0.11 | a FIN is `unverified` where an alert may be hidden |
 * | `_handle.onread` | Node's own read callback, to which we pass the transport's end on | 11 | no proof |
 * | `_handle.bytesRead` | whether a piece gave plaintext | 10 | no proof |
 * | `_parent.useUserBuffer(buffer)`, `_parent.onread` | the transport's bytes come to us | 12 | no proof |
 * | `_parent.bytesRead` | how many came | 10 | no proof |
 * | `_parent.readBuffer(bytes)`, `_parent.emitEOF()` | the same of a `Duplex` | 8 | no proof over a `Duplex` |
 */
import type { TLSSocket } from 'node:tls';
import { count, handleOf, readSideEnded, readsNoMore, waitingBytes, type Handle } from './handle.js';
import { afterTicks, nextTick } from './read-callback.js';
import { ask, hasEnded } from './reading-end.js';

/** Where a record may end in the transport's bytes; see closure/record.ts. */
interface Ends {
  readonly mayHaveEnded: boolean;
  next(available: number): number;
  passed(bytes: Buffer, plaintext: boolean): void;
}

interface TlsHandle extends Handle {
  receive(bytes: Buffer): void;
  newSessionDone(): void;
  onread(): void;
  onerror: unknown;
}

interface KernelOrTlsHandle extends Handle {
  useUserBuffer(buffer: Buffer): unknown;
}

interface DuplexHandle extends Handle {
  readBuffer(bytes: Buffer): void;
  emitEOF(): void;
}

/** Every transport reads into it: its bytes are copied before anything else can be read. Less than Node's own 64 KB: libuv fills it up to 32 times in a turn. */
const BUFFER = Buffer.allocUnsafeSlow(16_384);

/** Longer than the rest of any record, and not the beginning of one. */
const GARBAGE = Buffer.alloc(20_000, 0xff);

/** What is being done while the end of reading is reported. */
type Doing = 'nothing' | 'feeding' | 'asking' | 'passing on the end of the transport' | 'letting others run';

export class FeedAndAsk {
  #doing: Doing = 'nothing';
  readonly #socket: TLSSocket;
  readonly #handle: TlsHandle;
  readonly #ends: Ends;
  #feedPiece: (piece: Buffer) => void;
  /** What came while a piece was fed (a `Duplex` may push its next chunk within a read callback), and what is left for after its ticks. */
  readonly #waiting: Buffer[] = [];
  /** Between two records of one read Node runs ticks and microtasks: `await once(socket, 'data')` misses none. Over a `Duplex` it does not. */
  #letsOthersRun = false;
  #endWaits: (() => void) | undefined;
  #readsOn: boolean | undefined;

  private constructor(socket: TLSSocket, handle: TlsHandle, ends: Ends) {
    this.#ends = ends;
    this.#socket = socket;
    this.#handle = handle;
    this.#feedPiece = (piece) => handle.receive(piece);
  }

  /**
   * Takes the reading of the transport over. It can't be given back, so it is only for a socket that has nothing to write any more.
   * `undefined` where this Node has no way, or while a write is under way.
   */
  static begin(socket: TLSSocket, ends: Ends): FeedAndAsk | undefined {
    const handle = handleOf(socket);
    const parent = handle?._parent;
    if (!isTlsHandle(handle) || !parent) return undefined;
    const feed = new FeedAndAsk(socket, handle, ends);
    if (isDuplexHandle(parent)) feed.#takeDuplex(parent);
    else if (!isKernelOrTlsHandle(parent) || isWriting(parent) || !feed.#takeHandle(parent)) return undefined;
    feed.#ask(); // what was swallowed before ends the stream now
    return feed;
  }

  #takeDuplex(parent: DuplexHandle): void {
    const { readBuffer, emitEOF } = parent;
    this.#feedPiece = (piece) => readBuffer.call(parent, piece);
    parent.readBuffer = (bytes) => this.#feed(bytes);
    parent.emitEOF = () => this.#passEndOn(() => emitEOF.call(parent));
  }

  /** `false` if the handle does not keep what is to be called: Node would end the process at the next read. */
  #takeHandle(parent: KernelOrTlsHandle): boolean {
    let before = count(parent.bytesRead);
    const onread = (): void => {
      const now = count(parent.bytesRead);
      const length = now - before;
      before = now;
      const pass = (): void => this.#handle.onread(); // Node's own callback finds the number of the end or of the error where it was for ours
      if (length > 0) this.#feed(Buffer.from(BUFFER.subarray(0, length)));
      else if (hasEnded(parent)) this.#passEndOn(pass, () => void (this.#socket.push(null), this.#socket.read(0)));
      else pass(); // an error; or a read that brought nothing, behind one that had filled the buffer
    };
    parent.onread = onread;
    if (parent.onread !== onread) return false;
    parent.useUserBuffer(BUFFER);
    this.#letsOthersRun = true;
    return true;
  }

  /** Still the socket's: it has not been destroyed. */
  get #lives(): boolean {
    return !this.#socket.destroyed && handleOf(this.#socket) === this.#handle;
  }

  #do(what: Doing, run: () => void): void {
    if (!this.#lives) return;
    this.#doing = what;
    try {
      run();
    } catch (thrown) {
      this.throwsLater(thrown);
    } finally {
      this.#doing = 'nothing';
    }
  }

  /**
   * A listener of the application has thrown this. Within our work it is thrown a tick later: what else was read is not lost, as it is not without us.
   * And Node 22 drops what is thrown through `receive` while async hooks are in use.
   */
  throwsLater(thrown: unknown): boolean {
    if (this.#doing === 'nothing' || this.#doing === 'letting others run') return false;
    nextTick(() => {
      throw thrown;
    });
    return true;
  }

  #ask(): void {
    this.#do('asking', () => this.#handle.newSessionDone());
  }

  /** `later`: where a tick that threw has kept the others waiting, and the FIN came in the same poll. By then Node's callback would find another number. */
  #passEndOn(pass: () => void, later = pass): void {
    if (this.#doing !== 'nothing') return void (this.#endWaits = later);
    if (!readSideEnded(this.#socket)) {
      this.#ask();
      this.#readsOn ??= this.#refusesGarbage();
    }
    this.#do('passing on the end of the transport', pass);
  }

  #feed(bytes: Buffer): void {
    this.#waiting.push(bytes);
    if (this.#doing === 'nothing') this.#feedWaiting();
  }

  #feedWaiting(): void {
    this.#doing = 'nothing';
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      this.#ask(); // a read callback that was under way when we took over may have swallowed something
      for (let at = 0; at < chunk.length && this.#lives; ) {
        const piece = chunk.subarray(at, (at += readsNoMore(this.#socket) ? chunk.length : this.#ends.next(chunk.length - at)));
        if (!this.#feedOne(piece) || !this.#letsOthersRun || at === chunk.length) continue;
        this.#waiting.unshift(chunk.subarray(at));
        this.#doing = 'letting others run';
        return afterTicks(() => this.#feedWaiting());
      }
    }
    const pass = this.#endWaits;
    this.#endWaits = undefined;
    if (pass !== undefined) this.#passEndOn(pass);
  }

  /** Whether plaintext came out. */
  #feedOne(piece: Buffer): boolean {
    const before = count(this.#handle.bytesRead);
    this.#do('feeding', () => this.#feedPiece(piece));
    const plaintext = count(this.#handle.bytesRead) > before;
    this.#ends.passed(piece, plaintext);
    if (!plaintext && !readsNoMore(this.#socket) && this.#ends.mayHaveEnded) this.#ask();
    return plaintext;
  }

  /** What the end of reading that is being reported is. A `push(null)` of the application itself does not find the TLS layer at its end. */
  get look(): 'close_notify' | 'fin' | 'unverified' {
    if (this.#doing === 'passing on the end of the transport') return 'fin';
    return this.#doing === 'feeding' && !readsNoMore(this.#socket) && this.#atEnd() ? 'close_notify' : 'unverified';
  }

  /** A TLS layer at its end answers 0 each time, without asking the transport; so does a `Duplex` always. */
  #atEnd(): boolean {
    return ask(this.#handle, 'readStart') === 0 && ask(this.#handle, 'readStart') === 0;
  }

  /**
   * Whether OpenSSL was still reading when the transport ended, so that no alert can have come. `undefined`: that can't be told.
   * If an alert that it does not show (see ledger.ts) has ended its reading, it ignores garbage. Otherwise garbage is an error.
   * It can be asked only now, when nothing of ours can be sent any more: before, OpenSSL would answer the garbage with an alert.
   */
  get readOn(): boolean | undefined {
    return this.#readsOn;
  }

  #refusesGarbage(): boolean {
    const handle = this.#handle;
    if (!this.#lives) return false;
    const { onerror } = handle;
    let failed = false;
    handle.onerror = () => void (failed = true);
    try {
      handle.receive(GARBAGE);
    } finally {
      handle.onerror = onerror;
    }
    return failed;
  }
}

function isTlsHandle(handle: Handle | undefined): handle is TlsHandle {
  const { receive, newSessionDone, onread, bytesRead } = (handle ?? {}) as Partial<TlsHandle>;
  return [receive, newSessionDone, onread].every((method) => typeof method === 'function') && typeof bytesRead === 'number';
}

function isDuplexHandle(parent: Handle): parent is DuplexHandle {
  const { readBuffer, emitEOF } = parent as Partial<DuplexHandle>;
  return typeof readBuffer === 'function' && typeof emitEOF === 'function';
}

function isKernelOrTlsHandle(parent: Handle): parent is KernelOrTlsHandle {
  return typeof (parent as Partial<KernelOrTlsHandle>).useUserBuffer === 'function' && typeof parent.bytesRead === 'number';
}

/** An outer TLS layer reports each write a turn later. Such a one does not count: nobody needs the report any more. */
function isWriting(parent: Handle): boolean {
  return typeof parent._parent !== 'object' && waitingBytes(parent) !== 0;
}
