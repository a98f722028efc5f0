/** HTTP/1.1 (RFC 9112): one GET, and when its answer is whole. */
import { escaped } from '../escape.js';
import type { Authority, Reply, Request, Wish } from './request.js';

const MAX_HEAD = 65_536;

/** How much is to come: bytes of a body or of a chunk, the line that says how long the next chunk is, trailers, or all up to the end of the connection. */
type Rest = { readonly kind: 'head' | 'size' | 'trailers' } | { readonly kind: 'bytes'; left: number; readonly then: 'whole' | 'size' } | { readonly kind: 'to the end' } | { readonly kind: 'whole' } | { readonly kind: 'no HTTP' };

class Http1Reply implements Reply {
  #rest: Rest = { kind: 'head' };
  /** What is not taken apart yet: a head, or a line. */
  #pending: Buffer = Buffer.alloc(0);
  #statusLine: string | undefined;

  feed(chunk: Buffer): undefined {
    let bytes: Buffer = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    this.#pending = Buffer.alloc(0);
    for (let before = -1; bytes.length > 0 && bytes.length !== before; ) {
      before = bytes.length;
      bytes = this.#take(bytes);
    }
    const { kind } = this.#rest;
    if (kind === 'head' || kind === 'size' || kind === 'trailers') this.#pending = bytes;
    if (this.#pending.length > MAX_HEAD) this.#rest = { kind: 'no HTTP' };
  }

  /** Takes what it can, and returns the rest. */
  #take(bytes: Buffer): Buffer {
    const rest = this.#rest;
    if (rest.kind === 'bytes') {
      const taken = Math.min(rest.left, bytes.length);
      rest.left -= taken;
      if (rest.left === 0) this.#rest = { kind: rest.then };
      return bytes.subarray(taken);
    }
    if (rest.kind === 'to the end' || rest.kind === 'no HTTP') return bytes.subarray(bytes.length);
    if (rest.kind === 'whole') return bytes;
    const end = rest.kind === 'head' ? bytes.indexOf('\r\n\r\n') : bytes.indexOf('\r\n');
    if (rest.kind === 'head' && !'HTTP/'.startsWith(bytes.toString('latin1', 0, 5))) this.#rest = { kind: 'no HTTP' };
    if (end === -1 || this.#rest.kind === 'no HTTP') return bytes;
    const text = bytes.toString('latin1', 0, end);
    if (rest.kind === 'head') this.#rest = this.#afterHead(text);
    else if (rest.kind === 'size') this.#rest = afterSize(text);
    else if (text === '') this.#rest = { kind: 'whole' };
    return bytes.subarray(end + (rest.kind === 'head' ? 4 : 2));
  }

  #afterHead(head: string): Rest {
    this.#statusLine = head.split('\r\n')[0]!;
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(this.#statusLine)?.[1]);
    if (Number.isNaN(status)) return { kind: 'no HTTP' };
    if (status < 200) return { kind: 'head' };
    if (status === 204 || status === 304) return { kind: 'whole' };
    if (/^transfer-encoding:.*chunked\s*$/im.test(head)) return { kind: 'size' };
    const [, length] = /^content-length:\s*(\d+)\s*$/im.exec(head) ?? [];
    if (length === undefined) return { kind: 'to the end' };
    return Number(length) === 0 ? { kind: 'whole' } : { kind: 'bytes', left: Number(length), then: 'whole' };
  }

  get isWhole(): boolean | undefined {
    const { kind } = this.#rest;
    return kind === 'to the end' || kind === 'no HTTP' ? undefined : kind === 'whole';
  }

  get summary(): string | undefined {
    const { kind } = this.#rest;
    if (kind === 'no HTTP') return 'no HTTP';
    if (this.#statusLine === undefined) return this.#pending.length > 0 ? 'a part of an HTTP head' : undefined;
    const line = escaped(this.#statusLine, 40);
    if (kind === 'whole') return `${line}, whole`;
    return kind === 'to the end' ? `${line}, of no stated length` : `${line}, not whole`;
  }
}

/** The line in front of a chunk. The line end behind the chunk is taken for a part of it. */
function afterSize(line: string): Rest {
  const [, digits] = /^([0-9a-f]+)\s*(?:;|$)/i.exec(line) ?? [];
  if (digits === undefined) return { kind: 'no HTTP' };
  const size = parseInt(digits, 16);
  return size === 0 ? { kind: 'trailers' } : { kind: 'bytes', left: size + 2, then: 'size' };
}

export function http1Request({ authority }: Authority, wish: Wish, agent: string): Request {
  const connection = wish === 'close' ? 'Connection: close\r\n' : '';
  const head = `GET / HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: ${agent}\r\nAccept: */*\r\n${connection}\r\n`;
  return { name: `GET / HTTP/1.1${wish === 'close' ? ', Connection: close' : ''}`, bytes: Buffer.from(head, 'latin1'), reply: new Http1Reply() };
}
