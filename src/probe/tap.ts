/**
 * What is between TCP and TLS: it passes the bytes on, and sees what TLS does not tell. Where do records end, has the server sent its FIN, did it speak TLS at all?
 *
 * - It keeps the server's FIN back until our own alert is out. Only then can the library tell exactly whether an alert came before that FIN: OpenSSL 3.2 and
 *   later do not show all of them (see closure/ledger.ts).
 * - It stops reading behind each read, for a turn. Otherwise libuv takes a reset that comes in one poll with data for a FIN (Node 20 to 26).
 */
import net, { type TcpNetConnectOpts } from 'node:net';
import { Duplex } from 'node:stream';
import type { Story } from './story.js';

const RECORD_HEADER = 5;
const BUFFER_LENGTH = 65_536;
/** Enough to see what a server speaks that does not speak TLS. */
const FIRST_BYTES = 200;

export class Tap extends Duplex {
  readonly raw: net.Socket;
  /** The first bytes received in place of TLS, or as TLS. */
  first: Buffer = Buffer.alloc(0);
  /** The server has sent its FIN. */
  finCame = false;
  /** What has ended TCP otherwise. */
  failure: NodeJS.ErrnoException | undefined;
  /** Whether a FIN of the server's is kept back. */
  holdsFin = false;
  /** What we are about to end TLS with. */
  ourEnd: 'close_notify' | undefined;
  readonly #story: Story;
  #followsRecords = false;
  readonly #header = Buffer.alloc(RECORD_HEADER);
  /** Of the record that is being received: bytes of its header, and those that are missing in its body. */
  #headerBytes = 0;
  #missing = 0;
  #wanted = true;
  /** What is not sent yet. */
  #held: Buffer[] | undefined;

  constructor(options: TcpNetConnectOpts, story: Story) {
    super({ allowHalfOpen: true });
    this.#story = story;
    const onread = { buffer: Buffer.allocUnsafeSlow(BUFFER_LENGTH), callback: (length: number, buffer: Uint8Array) => this.#onRead(Buffer.from(buffer.subarray(0, length))) };
    this.raw = net.connect({ ...options, allowHalfOpen: true, noDelay: true, onread });
    this.raw.on('end', () => this.#onEnd());
    this.raw.on('error', (error) => this.#onError(error));
    this.raw.on('close', () => this.destroy());
    this.on('error', () => {}); // the TLS socket tells of it, and so does `failure`
  }

  /** From here on the bytes are TLS. */
  followRecords(): void {
    this.#followsRecords = true;
  }

  /** The bytes received so far end in the middle of a record. */
  get inRecord(): boolean {
    return this.#headerBytes > 0;
  }

  #onRead(chunk: Buffer): boolean {
    if (this.#followsRecords) {
      if (this.first.length < FIRST_BYTES) this.first = Buffer.concat([this.first, chunk.subarray(0, FIRST_BYTES - this.first.length)]);
      this.#follow(chunk);
    }
    this.#wanted = this.push(chunk);
    setImmediate(() => this.#readOn());
    return false; // it stops
  }

  #readOn(): void {
    if (this.#wanted) this.raw.resume();
  }

  #follow(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#headerBytes < RECORD_HEADER) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < RECORD_HEADER) continue;
        this.#missing = this.#header.readUInt16BE(3);
      }
      const taken = Math.min(this.#missing, chunk.length - at);
      at += taken;
      this.#missing -= taken;
      if (this.#missing === 0) this.#headerBytes = 0;
    }
  }

  #onEnd(): void {
    this.finCame = true;
    this.#story.add('it', this.inRecord ? 'FIN, in the middle of a record' : 'FIN');
    this.emit('fin');
    if (!this.holdsFin) this.push(null);
  }

  /** Our alert is out, or never will be. */
  releaseFin(): void {
    if (!this.holdsFin) return;
    this.holdsFin = false;
    if (this.finCame) this.push(null);
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.failure === undefined && isReset(error)) this.#story.add('it', 'RST');
    this.failure ??= error;
    this.destroy(error);
  }

  override _read(): void {
    if (this.#wanted) return; // it is being read, or will be
    this.#wanted = true;
    setImmediate(() => this.#readOn());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const isEnd = this.ourEnd === 'close_notify' && isAlert(chunk);
    if (isEnd) this.#tellOurEnd('close_notify');
    if (this.#held === undefined) return void this.raw.write(chunk, callback);
    this.#held.push(chunk);
    if (isEnd) this.#letGo();
    callback();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#letGo();
    this.#tellOurEnd('FIN');
    this.raw.end(callback);
  }

  /** What is written from now on leaves together with our alert. */
  holdWrites(): void {
    this.#held = [];
  }

  #letGo(): void {
    if (this.#held !== undefined) this.raw.write(Buffer.concat(this.#held));
    this.#held = undefined;
  }

  #tellOurEnd(what: string): void {
    this.#story.add('us', what);
    this.emit('ourEnd');
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.raw.destroy();
    callback(error);
  }
}

const ALERT = 0x15;
const APPLICATION_DATA = 0x17;
/** The longest body of a record of TLS 1.3 with two bytes in it: one for the type, and a tag. */
const ALERT_LENGTH = 2 + 1 + 16;

/** Whether these records are one that may be an alert. */
function isAlert(chunk: Buffer): boolean {
  if (chunk.length < RECORD_HEADER) return false;
  const length = chunk.readUInt16BE(3);
  return chunk.length === RECORD_HEADER + length && (chunk[0] === ALERT || (chunk[0] === APPLICATION_DATA && length <= ALERT_LENGTH));
}

/** A write behind a reset fails by EPIPE. */
export function isReset({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}
