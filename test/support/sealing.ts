/** One direction of a TLS connection for somebody who has its keys: seals and opens records as RFC 8446 section 5.2 and RFC 5288 say. Only AES-128-GCM with SHA-256. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Version } from './pair.js';

/** What a peer has to be limited to. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256';

export const ALERT = 21;
export const HANDSHAKE = 22;
export const DATA = 23;
const KEY_BYTES = 16;
const TAG_BYTES = 16;
const HEADER_BYTES = 5;

export interface Opened {
  readonly type: number;
  readonly content: Buffer;
}

export interface Direction {
  /** `padding` bytes of zero are added, on TLS 1.3 only. */
  seal(type: number, content: Buffer, padding?: number): Buffer;
  /** `undefined` if it was not sealed with these keys and this sequence number. */
  open(record: Buffer): Opened | undefined;
}

const hmac = (key: Buffer, ...parts: Buffer[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHmac('sha256', key)).digest();

function header(type: number, length: number): Buffer {
  return Buffer.from([type, 3, 3, length >> 8, length & 255]);
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function encrypt(key: Buffer, nonce: Buffer, aad: Buffer, content: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAAD(aad).setAuthTag(sealed.subarray(end));
  const content = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined; // the tag is another one
  }
}

/** HKDF-Expand-Label with an empty context, RFC 8446 section 7.1; one block of SHA-256 is enough. */
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`);
  return hmac(secret, Buffer.from([0, length, full.length]), full, Buffer.from([0, 1])).subarray(0, length);
}

const KEY_UPDATE = 24;

/** By `CLIENT_TRAFFIC_SECRET_0` or `SERVER_TRAFFIC_SECRET_0`. */
class Tls13 implements Direction {
  #secret: Buffer;
  #key!: Buffer;
  #iv!: Buffer;
  #sequence = 0;

  constructor(secret: Buffer) {
    this.#secret = secret;
    this.#useSecret();
  }

  #useSecret(): void {
    this.#key = expandLabel(this.#secret, 'key', KEY_BYTES);
    this.#iv = expandLabel(this.#secret, 'iv', 12);
    this.#sequence = 0;
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    uint64(this.#sequence).forEach((byte, i) => (nonce[4 + i]! ^= byte));
    return nonce;
  }

  #sent(type: number, content: Buffer): void {
    this.#sequence++;
    if (type !== HANDSHAKE || content[0] !== KEY_UPDATE) return;
    this.#secret = expandLabel(this.#secret, 'traffic upd', 32);
    this.#useSecret();
  }

  seal(type: number, content: Buffer, padding = 0): Buffer {
    const inner = Buffer.concat([content, Buffer.from([type]), Buffer.alloc(padding)]);
    const head = header(DATA, inner.length + TAG_BYTES);
    const record = Buffer.concat([head, encrypt(this.#key, this.#nonce(), head, inner)]);
    this.#sent(type, content);
    return record;
  }

  open(record: Buffer): Opened | undefined {
    if (record[0] !== DATA) return undefined;
    const inner = decrypt(this.#key, this.#nonce(), record.subarray(0, HEADER_BYTES), record.subarray(HEADER_BYTES));
    if (inner === undefined) return undefined;
    const end = inner.findLastIndex((byte) => byte !== 0);
    const opened = { type: inner[end]!, content: inner.subarray(0, end) };
    this.#sent(opened.type, opened.content);
    return opened;
  }
}

class Tls12 implements Direction {
  readonly #key: Buffer;
  readonly #salt: Buffer;
  #sequence = 0;

  constructor(key: Buffer, salt: Buffer) {
    this.#key = key;
    this.#salt = salt;
  }

  #aad(type: number, length: number): Buffer {
    return Buffer.concat([uint64(this.#sequence), header(type, length)]);
  }

  seal(type: number, content: Buffer): Buffer {
    const explicit = uint64(this.#sequence);
    const sealed = encrypt(this.#key, Buffer.concat([this.#salt, explicit]), this.#aad(type, content.length), content);
    this.#sequence++;
    return Buffer.concat([header(type, explicit.length + sealed.length), explicit, sealed]);
  }

  open(record: Buffer): Opened | undefined {
    const body = record.subarray(HEADER_BYTES);
    if (body.length < 8 + TAG_BYTES) return undefined;
    const content = decrypt(this.#key, Buffer.concat([this.#salt, body.subarray(0, 8)]), this.#aad(record[0]!, body.length - 8 - TAG_BYTES), body.subarray(8));
    if (content === undefined) return undefined;
    this.#sequence++;
    return { type: record[0]!, content };
  }
}

/** RFC 5246 sections 5 and 6.3: the write keys of client and server, then their salts. */
function tls12Directions(master: Buffer, clientRandom: Buffer, serverRandom: Buffer): Directions {
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom]);
  let a: Buffer = seed;
  const blocks: Buffer[] = [];
  for (let bytes = 0; bytes < 2 * (KEY_BYTES + 4); bytes += 32) {
    a = hmac(master, a);
    blocks.push(hmac(master, a, seed));
  }
  const block = Buffer.concat(blocks);
  return { client: new Tls12(block.subarray(0, 16), block.subarray(32, 36)), server: new Tls12(block.subarray(16, 32), block.subarray(36, 40)) };
}

export interface Directions {
  readonly client: Direction;
  readonly server: Direction;
}

/** From the lines of a `'keylog'` listener, and the server's hello; `undefined` while they are not all there. */
export function directionsOf(version: Version, keylog: ReadonlyMap<string, readonly string[]>, serverHello: Buffer | undefined): Directions | undefined {
  const secret = (name: string, place: number): Buffer | undefined => {
    const fields = keylog.get(name);
    return fields && Buffer.from(fields[place]!, 'hex');
  };
  if (version === 'TLSv1.3') {
    const [client, server] = [secret('CLIENT_TRAFFIC_SECRET_0', 1), secret('SERVER_TRAFFIC_SECRET_0', 1)];
    return client && server && { client: new Tls13(client), server: new Tls13(server) };
  }
  const [random, master] = [secret('CLIENT_RANDOM', 0), secret('CLIENT_RANDOM', 1)];
  return random && master && serverHello && tls12Directions(master, random, serverHello.subarray(11, 43)); // behind record and message header, and the version
}
