/** One direction of a TLS connection for somebody who has its keys: seals and opens records as RFC 8446 section 5.2 and RFC 5246 section 6.2.3 say. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, type CipherGCM, type CipherGCMTypes, type DecipherGCM } from 'node:crypto';
import type { Suite } from './suites.js';

export const ALERT = 21;
export const HANDSHAKE = 22;
export const DATA = 23;
const HEADER_BYTES = 5;
const NONCE_BYTES = 12;
/** Of a nonce in TLS 1.2, the first is from the keys and the second in the record; not with ChaCha20 (RFC 7905). */
const [SALT_BYTES, EXPLICIT_BYTES] = [4, 8];
/** A block of AES, and so the IV of CBC. */
const BLOCK_BYTES = 16;

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

function hmac(hash: string, key: Buffer, ...parts: Buffer[]): Buffer {
  return parts.reduce((mac, part) => mac.update(part), createHmac(hash, key)).digest();
}

function header(type: number, length: number): Buffer {
  return Buffer.from([type, 3, 3, length >> 8, length & 255]);
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The IV with the sequence number in its last bytes. */
function xored(iv: Buffer, sequence: number): Buffer {
  const nonce = Buffer.from(iv);
  uint64(sequence).forEach((byte, i) => (nonce[NONCE_BYTES - 8 + i]! ^= byte));
  return nonce;
}

function encrypt({ cipher: name, tagBytes: authTagLength }: Suite, key: Buffer, nonce: Buffer, aad: Buffer, content: Buffer): Buffer {
  const cipher = createCipheriv(name as CipherGCMTypes, key, nonce, { authTagLength }) as CipherGCM;
  cipher.setAAD(aad, { plaintextLength: content.length });
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function decrypt({ cipher: name, tagBytes: authTagLength }: Suite, key: Buffer, nonce: Buffer, aad: (length: number) => Buffer, sealed: Buffer): Buffer | undefined {
  const end = sealed.length - authTagLength;
  if (end < 0) return undefined;
  const decipher = createDecipheriv(name as CipherGCMTypes, key, nonce, { authTagLength }) as DecipherGCM;
  decipher.setAuthTag(sealed.subarray(end)).setAAD(aad(end), { plaintextLength: end });
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch {
    return undefined; // the tag is another one
  }
}

/** HKDF-Expand-Label with an empty context, RFC 8446 section 7.1; one block of the hash is enough. */
function expandLabel(hash: Suite['hash'], secret: Buffer, label: string, length: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`);
  return hmac(hash, secret, Buffer.from([0, length, full.length]), full, Buffer.from([0, 1])).subarray(0, length);
}

const KEY_UPDATE = 24;

/** By `CLIENT_TRAFFIC_SECRET_0` or `SERVER_TRAFFIC_SECRET_0`. */
class Tls13 implements Direction {
  readonly #suite: Suite;
  #secret: Buffer;
  #key!: Buffer;
  #iv!: Buffer;
  #sequence = 0;

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite;
    this.#secret = secret;
    this.#useSecret();
  }

  #useSecret(): void {
    const { hash, keyBytes } = this.#suite;
    this.#key = expandLabel(hash, this.#secret, 'key', keyBytes);
    this.#iv = expandLabel(hash, this.#secret, 'iv', NONCE_BYTES);
    this.#sequence = 0;
  }

  #sent(type: number, content: Buffer): void {
    this.#sequence++;
    if (type !== HANDSHAKE || content[0] !== KEY_UPDATE) return;
    this.#secret = expandLabel(this.#suite.hash, this.#secret, 'traffic upd', this.#secret.length);
    this.#useSecret();
  }

  seal(type: number, content: Buffer, padding = 0): Buffer {
    const inner = Buffer.concat([content, Buffer.from([type]), Buffer.alloc(padding)]);
    const head = header(DATA, inner.length + this.#suite.tagBytes);
    const record = Buffer.concat([head, encrypt(this.#suite, this.#key, xored(this.#iv, this.#sequence), head, inner)]);
    this.#sent(type, content);
    return record;
  }

  open(record: Buffer): Opened | undefined {
    if (record[0] !== DATA) return undefined;
    const inner = decrypt(this.#suite, this.#key, xored(this.#iv, this.#sequence), () => record.subarray(0, HEADER_BYTES), record.subarray(HEADER_BYTES));
    if (inner === undefined) return undefined;
    const end = inner.findLastIndex((byte) => byte !== 0);
    const opened = { type: inner[end]!, content: inner.subarray(0, end) };
    this.#sent(opened.type, opened.content);
    return opened;
  }
}

/** How TLS 1.2 protects what is in a record. */
interface Protection {
  seal(sequence: number, type: number, content: Buffer): Buffer;
  open(sequence: number, type: number, body: Buffer): Buffer | undefined;
}

const aadOf = (sequence: number, type: number, length: number): Buffer => Buffer.concat([uint64(sequence), header(type, length)]);

/** RFC 5288, RFC 6655 and RFC 7905. `iv` is the whole nonce, or its salt. */
function aead(suite: Suite, key: Buffer, iv: Buffer): Protection {
  const isExplicit = iv.length === SALT_BYTES;
  return {
    seal(sequence, type, content) {
      const explicit = isExplicit ? uint64(sequence) : Buffer.alloc(0);
      const nonce = isExplicit ? Buffer.concat([iv, explicit]) : xored(iv, sequence);
      return Buffer.concat([explicit, encrypt(suite, key, nonce, aadOf(sequence, type, content.length), content)]);
    },
    open(sequence, type, body) {
      if (isExplicit && body.length < EXPLICIT_BYTES) return undefined;
      const nonce = isExplicit ? Buffer.concat([iv, body.subarray(0, EXPLICIT_BYTES)]) : xored(iv, sequence);
      return decrypt(suite, key, nonce, (length) => aadOf(sequence, type, length), body.subarray(isExplicit ? EXPLICIT_BYTES : 0));
    },
  };
}

/** RFC 5246 section 6.2.3.2, and RFC 7366, where the MAC is of the ciphertext. */
function cbc({ cipher: name, mac }: Suite, key: Buffer, macKey: Buffer): Protection {
  const { hash, bytes, isOfCiphertext } = mac!;
  const macOf = (sequence: number, type: number, what: Buffer): Buffer => hmac(hash, macKey, aadOf(sequence, type, what.length), what);
  const encrypted = (plain: Buffer): Buffer => {
    const iv = randomBytes(BLOCK_BYTES);
    const last = BLOCK_BYTES - 1 - (plain.length % BLOCK_BYTES);
    const cipher = createCipheriv(name, key, iv).setAutoPadding(false);
    return Buffer.concat([iv, cipher.update(Buffer.concat([plain, Buffer.alloc(last + 1, last)])), cipher.final()]);
  };
  const decrypted = (sealed: Buffer): Buffer | undefined => {
    if (sealed.length < 2 * BLOCK_BYTES || sealed.length % BLOCK_BYTES !== 0) return undefined;
    const decipher = createDecipheriv(name, key, sealed.subarray(0, BLOCK_BYTES)).setAutoPadding(false);
    const padded = Buffer.concat([decipher.update(sealed.subarray(BLOCK_BYTES)), decipher.final()]);
    return padded.subarray(0, Math.max(0, padded.length - padded.at(-1)! - 1));
  };
  return {
    seal(sequence, type, content) {
      if (!isOfCiphertext) return encrypted(Buffer.concat([content, macOf(sequence, type, content)]));
      const sealed = encrypted(content);
      return Buffer.concat([sealed, macOf(sequence, type, sealed)]);
    },
    open(sequence, type, body) {
      const plain = decrypted(isOfCiphertext ? body.subarray(0, -bytes) : body);
      if (plain === undefined || (!isOfCiphertext && plain.length < bytes)) return undefined;
      const content = isOfCiphertext ? plain : plain.subarray(0, -bytes);
      const [given, of] = isOfCiphertext ? [body.subarray(-bytes), body.subarray(0, -bytes)] : [plain.subarray(-bytes), content];
      return given.equals(macOf(sequence, type, of)) ? content : undefined;
    },
  };
}

class Tls12 implements Direction {
  readonly #protection: Protection;
  #sequence = 0;

  constructor(protection: Protection) {
    this.#protection = protection;
  }

  seal(type: number, content: Buffer): Buffer {
    const body = this.#protection.seal(this.#sequence++, type, content);
    return Buffer.concat([header(type, body.length), body]);
  }

  open(record: Buffer): Opened | undefined {
    const type = record[0]!;
    const content = this.#protection.open(this.#sequence, type, record.subarray(HEADER_BYTES));
    if (content === undefined) return undefined;
    this.#sequence++;
    return { type, content };
  }
}

/** RFC 5246 sections 5 and 6.3: the MAC keys of client and server, then their keys, then their IVs. */
function tls12Directions(suite: Suite, master: Buffer, clientRandom: Buffer, serverRandom: Buffer): Directions {
  const { hash, mac, keyBytes, cipher } = suite;
  const lengths = [mac?.bytes ?? 0, keyBytes, mac ? 0 : cipher === 'chacha20-poly1305' ? NONCE_BYTES : SALT_BYTES];
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom]);
  let a: Buffer = seed;
  let block: Buffer = Buffer.alloc(0);
  while (block.length < 2 * lengths.reduce((sum, length) => sum + length)) {
    a = hmac(hash, master, a);
    block = Buffer.concat([block, hmac(hash, master, a, seed)]);
  }
  let at = 0;
  const take = (length: number): Buffer => block.subarray(at, (at += length));
  const [[clientMac, serverMac], [clientKey, serverKey], [clientIv, serverIv]] = lengths.map((length) => [take(length), take(length)] as const) as [Pair, Pair, Pair];
  const direction = (macKey: Buffer, key: Buffer, iv: Buffer): Direction => new Tls12(mac ? cbc(suite, key, macKey) : aead(suite, key, iv));
  return { client: direction(clientMac, clientKey, clientIv), server: direction(serverMac, serverKey, serverIv) };
}

type Pair = readonly [client: Buffer, server: Buffer];

export interface Directions {
  readonly client: Direction;
  readonly server: Direction;
}

/** From the lines of a `'keylog'` listener, and the server's hello; `undefined` while they are not all there. */
export function directionsOf(suite: Suite, keylog: ReadonlyMap<string, readonly string[]>, serverHello: Buffer | undefined): Directions | undefined {
  const secret = (name: string, place: number): Buffer | undefined => {
    const fields = keylog.get(name);
    return fields && Buffer.from(fields[place]!, 'hex');
  };
  if (suite.version === 'TLSv1.3') {
    const [client, server] = [secret('CLIENT_TRAFFIC_SECRET_0', 1), secret('SERVER_TRAFFIC_SECRET_0', 1)];
    return client && server && { client: new Tls13(suite, client), server: new Tls13(suite, server) };
  }
  const [random, master] = [secret('CLIENT_RANDOM', 0), secret('CLIENT_RANDOM', 1)];
  return random && master && serverHello && tls12Directions(suite, master, random, serverHello.subarray(11, 43)); // behind record and message header, and the version
}
