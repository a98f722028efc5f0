/** How a caller reads: by `'data'`, `read()`, `'readable'`, a pipe or an iterator, as buffers or as text. It notes each piece once, in order. */
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { turns } from '../../test/support/pair.js';

type Piece = Buffer | string;

/** Takes what is piped at once, and now and then has the pipe wait. */
class Sink extends Writable {
  readonly #take: (piece: Piece) => void;
  readonly #isSlow: boolean;

  constructor(take: (piece: Piece) => void, isSlow: boolean) {
    super({ decodeStrings: false });
    this.#take = take;
    this.#isSlow = isSlow;
  }

  override write(chunk: unknown): boolean {
    if (this.#isSlow) void turns(2).then(() => this.emit('drain'));
    this.#take(chunk as Piece);
    return !this.#isSlow;
  }
}

export class Reader {
  readonly pieces: Piece[] = [];
  /** Called within the read callback that brings a piece. */
  onPiece: () => void = () => {};
  /** A loop over the socket is over. */
  onLoopEnd: (destroysSocket: boolean, error: unknown) => void = () => {};
  /** He has let it flow with nobody to take it. */
  throwsAway = false;
  readonly #socket: TLSSocket;
  readonly #emitted = new Set<Piece>();
  #pulls = false;
  #loops = false;
  /** It is time to read all. A loop may be left only then. */
  #readsOn = false;
  #sink: Sink | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  /** A piece is emitted as `'data'` however it is read: so who listens for that notes it, then a pipe, and else who has read it. An iterator is told later. */
  #take(piece: Piece, who: 'listener' | 'sink' | 'puller'): void {
    if (who === 'sink' && this.#listens) return;
    if (who === 'puller' && this.#emitted.has(piece)) return;
    if (who !== 'puller') this.#emitted.add(piece);
    this.pieces.push(piece);
    this.onPiece();
  }

  readonly #onData = (piece: Piece): void => this.#take(piece, 'listener');
  readonly #onReadable = (): void => this.pull();

  get #listens(): boolean {
    return this.#socket.listeners('data').includes(this.#onData);
  }

  listen(): void {
    if (!this.#listens) this.#socket.on('data', this.#onData);
  }

  leave(): void {
    this.#socket.off('data', this.#onData);
    if (this.#socket.readableFlowing === true) this.#noteThrowing();
  }

  resume(): void {
    this.#noteThrowing();
    this.#socket.resume();
  }

  #noteThrowing(): void {
    if (this.#socket.listenerCount('data') === 0) this.throwsAway = true;
  }

  pullWhenReadable(): void {
    if (this.#pulls || this.#loops) return;
    this.#pulls = true;
    this.#socket.on('readable', this.#onReadable);
  }

  /** Not beside a loop: an iterator tells later what it has read. */
  pull(size?: number): void {
    if (this.#loops) return;
    for (let piece; (piece = this.#socket.read(size) as Piece | null) !== null; ) {
      this.#take(piece, 'puller');
      if (size !== undefined) return;
    }
  }

  pipe(isSlow: boolean): void {
    if (this.#sink !== undefined) return;
    this.#sink = this.#socket.pipe(new Sink((piece) => this.#take(piece, 'sink'), isSlow));
  }

  unpipe(): void {
    if (this.#sink !== undefined) this.#socket.unpipe(this.#sink);
    this.#sink = undefined;
  }

  /** `most`: leaves the loop after so many pieces. */
  async loop(most: number, destroyOnReturn: boolean): Promise<void> {
    if (this.#loops || this.#pulls) return;
    this.#loops = true;
    let count = 0;
    let met: unknown;
    try {
      for await (const piece of this.#socket.iterator({ destroyOnReturn })) {
        this.#take(piece as Piece, 'puller');
        if (++count >= most) break;
      }
    } catch (error) {
      met = error; // of the socket, or of a listener that throws within: what was read is what counts
    }
    this.#loops = false;
    this.onLoopEnd(destroyOnReturn, met);
    if (this.#readsOn) this.readOn();
  }

  /** Gives the last bytes back that it has read. */
  unshift(most: number): void {
    const last = this.pieces.at(-1);
    const socket = this.#socket;
    const isText = typeof last === 'string';
    if (this.#loops || last === undefined || last.length === 0 || socket.readableEnded || socket.destroyed || isText !== (socket.readableEncoding !== null)) return;
    const length = Math.min(last.length, most);
    const back = last.slice(last.length - length);
    this.pieces[this.pieces.length - 1] = last.slice(0, last.length - length);
    if (isText) socket.unshift(back as string, socket.readableEncoding!);
    else socket.unshift(back);
  }

  /** Reads all that nobody has read until then. */
  readOn(): void {
    const socket = this.#socket;
    this.#readsOn = true;
    if (!this.#pulls && !this.#loops && this.#sink === undefined) this.listen();
    socket.resume();
    if (!socket.destroyed) this.pull();
  }
}
