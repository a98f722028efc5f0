/**
 * The `Duplex` under a wrapped `TLSSocket`, which lets the transport outlive TLS.
 *
 * It reads the transport record by record and stops behind the peer's alert: what follows is not TLS any more and has never left the transport's
 * own buffer. And its own end sends no FIN, so that our alert goes out alone.
 */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { destroySurely } from '../shutdown/destroying.js';
import { forgetFlow, hasRef } from '../node/wrapped.js';
import { RecordError, RecordScanner } from '../closure/record.js';
import { HAS_NO_BYTES, HAS_READABLE, bytesOf, streamError, whyUnusable } from './usable.js';

/** What the transport has to know of the TLS layer on top. */
export interface TlsSide {
  /** The peer has ended TLS, or TLS has failed: what follows is not for it. */
  inputEnded(): boolean;
  /** The TLS layer ended without an alert (`quiet`, or in the handshake): then the transport has to end, as it does under any TLS socket. */
  endsBare(): boolean;
  /** Both alerts are exchanged, and all that the peer sent is read. */
  closedCleanly(): boolean;
  destroy(): void;
}

/** How long the plain connection waits to be taken back, in milliseconds: after TLS was closed cleanly, or after an `unwrap` was aborted. */
const KEPT = 5000;

type Callback = (error?: Error | null) => void;

export class WrappedTransport extends Duplex {
  readonly #transport: Duplex;
  readonly #allowHalfOpen: boolean;
  #tls: TlsSide | undefined;
  readonly #records = new RecordScanner();
  /** The TLS layer has room for a record. */
  #wanted = false;
  /** Bytes came that are no TLS record. They go to OpenSSL as they are, so that it fails as it does over any transport. */
  #malformed = false;
  #transportEnded = false;
  #kept: NodeJS.Timeout | undefined;
  /** How many calls of `unwrap` wait. */
  #claims = 0;
  #unrefd: Socket | undefined;
  #released = false;
  #plain: Duplex | undefined;

  constructor(transport: Duplex) {
    // With a limit of one byte, at most one record waits here while the TLS layer doesn't read.
    // It is destroyed with the TLS socket. If it were before, when both its sides have ended, so would the TLS socket be, with all that is still to be read.
    super({ readableHighWaterMark: 1, writableHighWaterMark: transport.writableHighWaterMark, autoDestroy: false });
    this.#transport = transport;
    this.#allowHalfOpen = transport.allowHalfOpen;
    transport.on('error', this.#onError).on('close', this.#onClose);
  }

  /** Begins to read. */
  start(tls: TlsSide): void {
    this.#tls = tls;
    const refusal = whyUnusable(this.#transport);
    if (refusal !== undefined) return void process.nextTick(() => this.destroy(refusal));
    this.#transport.allowHalfOpen = true; // else it would end itself at the peer's FIN, before our alert
    this.#transport.on('newListener', this.#onNewListener).on('end', this.#onEnd).on('data', this.#onData).pause(); // until _read
  }

  /** A `'readable'` listener takes the reading over. Nothing would come to us until somebody calls `read()`, who would be given again what we put back. */
  readonly #onNewListener = (name: string | symbol): void => {
    if (name === 'readable' && !this.#stopped) this.destroy(streamError('ERR_STREAM_WRAP', HAS_READABLE));
  };

  readonly #onError = (error: Error): void => void this.destroy(error);
  readonly #onClose = (): void => {
    if (!this.#transportEnded) this.destroy();
  };
  readonly #onEnd = (): void => {
    this.#transportEnded = true;
    if (this.#stopped) return;
    const part = this.#records.rest(); // a FIN in mid-record
    if (part.length > 0) this.push(part);
    this.push(null);
  };

  /**
   * One record at a time, each only when the one before has gone through the TLS layer: it may have been the alert. What is not wanted goes
   * back at once. So the transport holds its peer back, and announces no end while there is something left.
   */
  readonly #onData = (chunk: unknown): void => {
    const bytes = bytesOf(chunk);
    if (bytes !== undefined) this.#onBytes(bytes);
    else if (!this.#stopped) this.destroy(streamError('ERR_STREAM_WRAP', HAS_NO_BYTES)); // setEncoding() was called after wrap()
    else if (!this.#released) this.#putBack(chunk as string); // text behind the alert
  };

  #onBytes(chunk: Buffer): void {
    this.#records.add(chunk);
    while (this.#wanted && !this.#stopped) {
      const records = this.#next();
      if (records === null) return; // the beginning of one at most, which is held
      this.#wanted = this.#give(records);
    }
    if (this.#released) return;
    this.#putBack(this.#records.rest());
  }

  /** What a listener of the application throws is thrown a tick later: what else has come is given all the same, as over TCP. */
  #give(records: Buffer): boolean {
    try {
      return this.push(records);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
      return this.readableFlowing === true;
    }
  }

  #putBack(rest: Buffer | string): void {
    this.#transport.pause();
    if (rest.length !== 0) this.#transport.unshift(rest, this.#transport.readableEncoding ?? undefined);
  }

  get #stopped(): boolean {
    return this.#released || this.destroyed || this.#tls!.inputEnded();
  }

  #next(): Buffer | null {
    try {
      if (!this.#malformed) return this.#records.next();
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#malformed = true;
    }
    const rest = this.#records.rest();
    return rest.length > 0 ? rest : null;
  }

  override _read(): void {
    this.#wanted = true;
    if (!this.#released && this.#transport.isPaused()) this.#transport.resume(); // it flows in the next tick: first read() gives out what it has, which may be the alert
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    if (this.#released) callback(); // plaintext's now
    else this.#transport.write(chunk, this.#written(callback));
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    if (this.#released) return callback();
    this.#transport.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.#transport.write(chunk);
    this.#transport.write(chunks.at(-1)!.chunk, this.#written(callback));
    this.#transport.uncork();
  }

  /** An error destroys it, which tells it a tick later: Node's HTTP client adds its listener a tick after it was given the socket. */
  #written(callback: Callback): Callback {
    return (error) => (error && this.destroy(error), callback(error));
  }

  override _final(callback: Callback): void {
    if (this.#tls!.endsBare() && !this.#released) this.#transport.end(callback);
    else callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    if (error === null && !this.#released && this.#tls?.closedCleanly() === true) this.#keep();
    else this.discard();
    callback(error);
  }

  /** Node frees a TLS socket when both sides have ended; the plain connection may be asked for after that. */
  #keep(): void {
    const transport = this.#transport;
    if (transport instanceof Socket && hasRef(transport)) this.#unrefd = transport.unref();
    this.#keepFor5Seconds();
  }

  #keepFor5Seconds(): void {
    this.#kept ??= setTimeout(() => {
      this.discard();
      this.#tls!.destroy(); // if it still waits
    }, KEPT).unref();
  }

  /** An `unwrap` waits for the transport. */
  claim(): void {
    this.#claims++;
    clearTimeout(this.#kept);
    this.#kept = undefined;
  }

  /** It does not any more. `goesOn`: TLS ends all the same, and another call may come for the transport. */
  unclaim(goesOn: boolean): void {
    this.#claims--;
    if (goesOn && this.#claims === 0 && !this.#released) this.#keepFor5Seconds();
  }

  /** Ends all: nobody gets the transport back. */
  discard(): void {
    if (this.#released) return;
    let failed: unknown;
    try {
      this.#detach();
    } catch (thrown) {
      failed = thrown;
    }
    this.#drop(failed);
  }

  /** `failed` is what an application's own method or listener threw. */
  #drop(failed?: unknown): void {
    destroySurely(this.#transport.on('error', ignore), failed as Error | undefined);
  }

  #detach(): void {
    this.#released = true;
    clearTimeout(this.#kept);
    this.#transport.allowHalfOpen = this.#allowHalfOpen;
    this.#transport.off('newListener', this.#onNewListener).off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
  }

  /** The transport, with nothing of ours on it any more; `undefined` if it can't be given back. What an application's own method throws destroys it. */
  release(): Duplex | undefined {
    if (this.#released) return this.#plain;
    if (this.#malformed || this.#transport.destroyed) return void this.discard();
    try {
      this.#unrefd?.ref();
      this.#detach();
      this.#transport.pause();
      forgetFlow(this.#transport);
    } catch (thrown) {
      this.#released = true;
      this.#drop(thrown);
      throw thrown;
    }
    return (this.#plain = this.#transport);
  }
}

function ignore(): void {}
