/** What one side of a TLS 1.3 connection has sent, decrypted by the secrets of the key log: RFC 8446, sections 5.2 and 7.3. For TLS_AES_128_GCM_SHA256. */
import { createDecipheriv, createHmac } from 'node:crypto';

export const CIPHER = 'TLS_AES_128_GCM_SHA256';

export type Sender = 'CLIENT' | 'SERVER';

/** The secrets of a server's connections, by the random bytes of their ClientHello. */
export class KeyLog {
  readonly #secrets = new Map<string, Buffer>();

  /** A line of the event `'keylog'`. */
  add(line: Buffer): void {
    const [label, random, secret] = line.toString('latin1').trim().split(' ');
    this.#secrets.set(`${label} ${random}`, Buffer.from(secret!, 'hex'));
  }

  /** Those of the handshake and of what follows, in that order, as far as the connection got. */
  secretsOf(sender: Sender, clientHello: Buffer): Buffer[] {
    const random = clientHello.toString('hex', 11, 43);
    return [`${sender}_HANDSHAKE_TRAFFIC_SECRET`, `${sender}_TRAFFIC_SECRET_0`].flatMap((label) => this.#secrets.get(`${label} ${random}`) ?? []);
  }
}

const HEADER = 5;
const TAG = 16;
const ENCRYPTED = 23;
const APPLICATION_DATA = 23;

function expand(secret: Buffer, label: string, length: number): Buffer {
  const full = `tls13 ${label}`;
  const info = Buffer.concat([Buffer.from([0, length, full.length]), Buffer.from(full), Buffer.from([0, 1])]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

class Keys {
  readonly #key: Buffer;
  readonly #iv: Buffer;
  #sequence = 0;

  constructor(secret: Buffer) {
    this.#key = expand(secret, 'key', 16);
    this.#iv = expand(secret, 'iv', 12);
  }

  /** `undefined` if the record was encrypted by other keys. */
  decrypt(record: Buffer): Buffer | undefined {
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8);
    const decipher = createDecipheriv('aes-128-gcm', this.#key, nonce);
    decipher.setAAD(record.subarray(0, HEADER)).setAuthTag(record.subarray(-TAG));
    const plain = decipher.update(record.subarray(HEADER, -TAG));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    this.#sequence++;
    return plain;
  }
}

/** The application data in `sent`, without a last record that is not whole. */
export function applicationData(sent: Buffer, secrets: readonly Buffer[]): Buffer {
  const keys = secrets.map((secret) => new Keys(secret));
  const data: Buffer[] = [];
  for (let at = 0; at + HEADER <= sent.length; ) {
    const end = at + HEADER + sent.readUInt16BE(at + 3);
    if (end > sent.length) break;
    const record = sent.subarray(at, end);
    at = end;
    if (record[0] !== ENCRYPTED) continue;
    let plain = keys[0]?.decrypt(record);
    while (plain === undefined && keys.length > 1) {
      keys.shift();
      plain = keys[0]!.decrypt(record);
    }
    if (plain === undefined) throw new Error('a TLS record that no secret of the key log decrypts');
    let length = plain.length;
    while (plain[length - 1] === 0) length--; // padding
    if (plain[length - 1] === APPLICATION_DATA) data.push(plain.subarray(0, length - 1));
  }
  return Buffer.concat(data);
}
