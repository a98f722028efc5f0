/**
 * HTTP/2 (RFC 9113): one GET on stream 1, and when its answer is whole. There is no `Connection: close`. A GOAWAY in its place says that no more requests follow.
 *
 * Node's own client is not used: its sessions close the connection in a way of their own.
 */
import type { Authority, Reply, Request, Wish } from './request.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEADER = 9;
const MAX_WINDOW = 2 ** 31 - 1;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;

/** Entries of HPACK's static table (RFC 7541 appendix A). */
const METHOD_GET = 2;
const PATH = 4;
const SCHEME_HTTPS = 7;
const FIRST_STATUS = 8;
const STATUS = [200, 204, 206, 304, 400, 404, 500];
const AUTHORITY = 1;
const USER_AGENT = 58;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

/** An integer of HPACK with a prefix of `bits` (RFC 7541 section 5.1). */
function integer(value: number, bits: number): number[] {
  const most = 2 ** bits - 1;
  if (value < most) return [value];
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

/** A header that is not indexed, with a name from the static table and no Huffman coding. */
function header(name: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([...integer(name, 4), ...integer(Buffer.byteLength(value), 7)]), Buffer.from(value)]);
}

class Http2Reply implements Reply {
  #pending: Buffer = Buffer.alloc(0);
  #status: string | undefined;
  #end: 'open' | 'whole' | 'reset' = 'open';
  #notHttp = false;

  feed(chunk: Buffer): Buffer | undefined {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const answers: Buffer[] = [];
    while (!this.#notHttp && this.#pending.length >= FRAME_HEADER) {
      const length = this.#pending.readUIntBE(0, 3);
      if (length > 16_384) this.#notHttp = true; // more than we allow by our settings
      if (this.#pending.length < FRAME_HEADER + length) break;
      const answer = this.#onFrame(this.#pending[3]!, this.#pending[4]!, this.#pending.readUInt32BE(5) & MAX_WINDOW, this.#pending.subarray(FRAME_HEADER, FRAME_HEADER + length));
      if (answer !== undefined) answers.push(answer);
      this.#pending = this.#pending.subarray(FRAME_HEADER + length);
    }
    return answers.length > 0 ? Buffer.concat(answers) : undefined;
  }

  #onFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer | undefined {
    if (type === SETTINGS && (flags & ACK) === 0) return frame(SETTINGS, ACK, 0, Buffer.alloc(0));
    if (type === PING && (flags & ACK) === 0) return frame(PING, ACK, 0, payload);
    if (stream !== 1) return undefined;
    if (type === HEADERS) this.#status ??= statusOf(payload.subarray((flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0)));
    if ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0) this.#end = 'whole';
    if (type === RST_STREAM && this.#end === 'open') this.#end = 'reset';
    return undefined;
  }

  get isWhole(): boolean | undefined {
    return this.#notHttp ? undefined : this.#end === 'whole';
  }

  get summary(): string | undefined {
    if (this.#notHttp) return 'no HTTP/2';
    if (this.#end === 'reset') return 'HTTP/2, the stream was reset';
    if (this.#status === undefined) return this.#end === 'whole' ? 'HTTP/2, whole' : undefined;
    return `HTTP/2 ${this.#status}, ${this.#end === 'whole' ? 'whole' : 'not whole'}`;
  }
}

/** The first header of an answer. One that is written out with Huffman coding is not taken apart. */
function statusOf(block: Buffer): string {
  const first = [...block].findIndex((byte) => (byte & 0xe0) !== 0x20); // behind changes of the table's size
  const byte = block[first] ?? 0;
  const indexed = byte >= 128 ? STATUS[byte - 128 - FIRST_STATUS] : undefined;
  if (indexed !== undefined) return String(indexed);
  const text = block[first + 1] === 3 ? block.toString('latin1', first + 2, first + 5) : '';
  return /^\d{3}$/.test(text) ? text : 'answer';
}

export function http2Request({ authority }: Authority, wish: Wish, agent: string): Request {
  const settings = Buffer.concat([Buffer.from([0, 2]), uint32(0), Buffer.from([0, 4]), uint32(MAX_WINDOW)]); // no pushes, and a stream may send all it has
  const indexed = Buffer.from([METHOD_GET, SCHEME_HTTPS, PATH].map((index) => index | 128));
  const block = Buffer.concat([indexed, header(AUTHORITY, authority), header(USER_AGENT, agent)]);
  const frames = [
    Buffer.from(PREFACE),
    frame(SETTINGS, 0, 0, settings),
    frame(WINDOW_UPDATE, 0, 0, uint32(MAX_WINDOW - 65_535)),
    frame(HEADERS, END_STREAM | END_HEADERS, 1, block),
  ];
  if (wish === 'close') frames.push(frame(GOAWAY, 0, 0, uint32(0, 0)));
  return { name: `GET / HTTP/2${wish === 'close' ? ', GOAWAY' : ''}`, bytes: Buffer.concat(frames), reply: new Http2Reply() };
}
