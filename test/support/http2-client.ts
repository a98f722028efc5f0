/** HTTP/2 by hand, over a socket that can be watched: what it sees is what came, not what a session made of it. */
import { Client, type ClientOptions } from './clients.js';
import { frame } from './http2.js';

const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const END_STREAM = 1;
const ACK = 1;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** `:method: GET`, `:scheme: https`, `:path: /`, `:authority: x` (RFC 7541, appendix A). */
const REQUEST = Buffer.from([0x82, 0x87, 0x84, 0x41, 1, 0x78]);

/** Answers what a client must answer (SETTINGS and PING), as long as it is read. */
export class Http2Client extends Client {
  #parsed = 0;
  /** Acknowledgements that have to wait for the preface, which is the first thing a client sends. */
  #owed: Buffer[] | undefined = [];
  readonly frames: Frame[] = [];

  static override async connect(port: number, options: ClientOptions = {}): Promise<Http2Client> {
    const client = new Http2Client(port, { ALPNProtocols: ['h2'], ...options });
    await client.handshake();
    return client;
  }

  override async handshake(): Promise<void> {
    const secure = super.handshake();
    this.socket.on('data', () => this.#parse()); // after the listener that collects
    await secure;
  }

  /** The client's preface and its SETTINGS (RFC 9113, section 3.4). */
  preface(): this {
    const owed = this.#owed ?? [];
    this.#owed = undefined;
    return this.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0), ...owed]));
  }

  request(stream: number): this {
    return this.write(frame(HEADERS, 4 | END_STREAM, stream, REQUEST));
  }

  /** The streams that were answered to their end. */
  get answered(): number[] {
    return this.frames.filter(({ type, flags }) => (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0).map(({ stream }) => stream);
  }

  /** Resolves when the server's SETTINGS and its acknowledgement of ours have come. */
  async ready(): Promise<void> {
    await this.until(/\0\0\0\u0004\u0001\0\0\0\0/);
  }

  #parse(): void {
    const bytes = Buffer.from(this.text, 'latin1');
    for (;;) {
      if (bytes.length < this.#parsed + 9) return;
      const end = this.#parsed + 9 + bytes.readUIntBE(this.#parsed, 3);
      if (bytes.length < end) return;
      const one = { type: bytes[this.#parsed + 3]!, flags: bytes[this.#parsed + 4]!, stream: bytes.readUInt32BE(this.#parsed + 5), payload: bytes.subarray(this.#parsed + 9, end) };
      this.#parsed = end;
      this.frames.push(one);
      if ((one.type === SETTINGS || one.type === PING) && (one.flags & ACK) === 0 && this.socket.writable) {
        const answer = frame(one.type, ACK, 0, one.type === PING ? one.payload : undefined);
        if (this.#owed === undefined) this.write(answer);
        else this.#owed.push(answer);
      }
    }
  }
}
