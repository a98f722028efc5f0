/** From plaintext to TLS, protocol by protocol, and each one's goodbye through TLS. */
import { escaped } from './escape.js';
import { StarttlsRefused, type Talk } from './talk.js';

export interface Protocol {
  readonly port: number;
  /** All up to the server's last answer before TLS. `name` is the server's. */
  start(talk: Talk, name: string): Promise<void>;
  /** What makes the server end, through TLS, and its name. */
  goodbye(name: string): readonly [bytes: Buffer | string, name?: string];
}

/** Lines of SMTP and FTP: the last one of an answer has a space behind the number (RFC 5321 section 4.2.1, RFC 959 section 4.2). */
const NUMBERED = /^(?:\d{3}-[^\n]*\n|[^\d\n][^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/;

async function expectNumber(talk: Talk, number: string): Promise<void> {
  const answer = await talk.read(NUMBERED);
  if (NUMBERED.exec(answer)?.[1] !== number) throw new StarttlsRefused(answer);
}

/** RFC 3207. */
const smtp: Protocol = {
  port: 25,
  async start(talk) {
    await expectNumber(talk, '220');
    talk.say('EHLO probe.invalid\r\n');
    await expectNumber(talk, '250');
    talk.say('STARTTLS\r\n');
    await expectNumber(talk, '220');
  },
  goodbye: () => ['QUIT\r\n'],
};

/** RFC 4217. */
const ftp: Protocol = {
  port: 21,
  async start(talk) {
    await expectNumber(talk, '220');
    talk.say('AUTH TLS\r\n');
    await expectNumber(talk, '234');
  },
  goodbye: () => ['QUIT\r\n'],
};

/** RFC 9051 section 6.2.1. Lines with a star may come before the answer. */
const imap: Protocol = {
  port: 143,
  async start(talk) {
    const greeting = await talk.read(/^\* [^\n]*\n/);
    if (!/^\* OK/i.test(greeting)) throw new StarttlsRefused(greeting);
    talk.say('a1 STARTTLS\r\n');
    const answer = await talk.read(/^(?:\* [^\n]*\n)*a1 [^\n]*\n/i);
    if (!/^a1 OK/im.test(answer)) throw new StarttlsRefused(answer);
  },
  goodbye: () => ['a2 LOGOUT\r\n'],
};

/** RFC 2595 section 4. */
const pop3: Protocol = {
  port: 110,
  async start(talk) {
    for (const command of ['STLS\r\n', undefined]) {
      const answer = await talk.read(/^[^\n]*\n/);
      if (!answer.startsWith('+OK')) throw new StarttlsRefused(answer);
      if (command !== undefined) talk.say(command);
    }
  },
  goodbye: () => ['QUIT\r\n'],
};

const LDAP_STARTTLS = '1.3.6.1.4.1.1466.20037';

/** RFC 4511 section 4.14: an extended operation. Its answer has a result code, which is 0 for success, and a message in words. */
const ldap: Protocol = {
  port: 389,
  async start(talk) {
    const name = Buffer.from(LDAP_STARTTLS);
    const request = Buffer.from([0x77, name.length + 2, 0x80, name.length, ...name]);
    talk.say(Buffer.from([0x30, request.length + 3, 0x02, 0x01, 0x01, ...request]), 'StartTLS');
    const answer = await talk.readBytes((bytes) => berLength(bytes));
    const result = /^\x0a\x01([^])/.exec(berContent(berSkip(berContent(answer, 0x30)), 0x78).toString('latin1'))?.[1];
    if (result !== '\0') throw new StarttlsRefused(result === undefined ? answer : `result code ${result.charCodeAt(0)}`);
  },
  goodbye: () => [Buffer.from([0x30, 0x05, 0x02, 0x01, 0x02, 0x42, 0x00]), 'Unbind'],
};

/** Header and body of the BER element that `bytes` begin with; `undefined` while it is not known. */
function berLength(bytes: Buffer): number | undefined {
  const first = bytes[1];
  if (first === undefined) return undefined;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new StarttlsRefused(bytes);
  return bytes.length < 2 + count ? undefined : 2 + count + bytes.readUIntBE(2, count);
}

/** The body of the first element. Empty if that has another tag. */
function berContent(bytes: Buffer, tag: number): Buffer {
  const length = bytes[0] === tag ? (berLength(bytes) ?? 0) : 0;
  const header = bytes[1] !== undefined && bytes[1] >= 0x80 ? 2 + (bytes[1] & 0x7f) : 2;
  return bytes.subarray(header, Math.max(header, length));
}

/** What is behind the first element. */
function berSkip(bytes: Buffer): Buffer {
  return bytes.subarray(berLength(bytes) ?? bytes.length);
}

const POSTGRES_SSL = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
/** A cancel request for no connection: the server looks for it, and closes. It needs no login. */
const POSTGRES_CANCEL = Buffer.from([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 0, 0, 0, 0, 0]);

/** PostgreSQL's protocol 3, "SSL Session Encryption": the answer is one letter. */
const postgres: Protocol = {
  port: 5432,
  async start(talk) {
    talk.say(POSTGRES_SSL, 'SSLRequest');
    const answer = await talk.readBytes(() => 1);
    if (answer.toString('latin1') !== 'S') throw new StarttlsRefused(answer);
  },
  goodbye: () => [POSTGRES_CANCEL, 'CancelRequest'],
};

const CLIENT_LONG_PASSWORD = 0x1;
const CLIENT_PROTOCOL_41 = 0x200;
const CLIENT_SSL = 0x800;
const CLIENT_SECURE_CONNECTION = 0x8000;
const MYSQL_ERROR = 0xff;

function mysqlPacket(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** The MySQL protocol, "Protocol::SSLRequest": the server greets with what it can, and TLS begins right behind our answer. */
const mysql: Protocol = {
  port: 3306,
  async start(talk) {
    const greeting = await talk.readBytes((bytes) => (bytes.length < 4 ? undefined : 4 + bytes.readUIntLE(0, 3)));
    if (greeting[4] === MYSQL_ERROR) throw new StarttlsRefused(greeting.subarray(7));
    const capabilities = greeting.indexOf(0, 5) + 1 + 4 + 8 + 1; // behind the version, the id, the first part of the salt and a filler
    if (capabilities + 2 > greeting.length || (greeting.readUInt16LE(capabilities) & CLIENT_SSL) === 0) throw new StarttlsRefused('a greeting without TLS');
    const request = Buffer.alloc(32);
    request.writeUInt32LE(CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, 0);
    request.writeUInt32LE(2 ** 24, 4);
    request[8] = 45; // utf8mb4
    talk.say(mysqlPacket(1, request), 'SSLRequest');
  },
  goodbye: () => [mysqlPacket(2, Buffer.from([1])), 'COM_QUIT'],
};

const STREAM = (name: string): string =>
  `<?xml version='1.0'?><stream:stream to='${name.replace(/[^\w.:-]/g, '')}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;

/** RFC 6120 section 5.4. */
const xmpp: Protocol = {
  port: 5222,
  async start(talk, name) {
    talk.say(STREAM(name), '<stream:stream>');
    const features = await talk.read(/^[^]*?(?:<\/stream:features>|<stream:features\/>|<\/stream:stream>|<stream:error>)/);
    if (!/<starttls[\s/>]/.test(features)) throw new StarttlsRefused('no <starttls> among its features');
    talk.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", '<starttls>');
    const answer = await talk.read(/^\s*<[^>]*>/);
    if (!/^\s*<proceed[\s/>]/.test(answer)) throw new StarttlsRefused(answer);
    if (!answer.endsWith('/>')) await talk.read(/^\s*<\/proceed>/);
  },
  goodbye: (name) => [`${STREAM(name)}</stream:stream>`, '</stream:stream>'],
};

export const PROTOCOLS: Readonly<Record<string, Protocol>> = { smtp, imap, pop3, ftp, ldap, postgres, mysql, xmpp };

/** What is spoken behind TLS on these ports, where nothing comes before TLS. */
const IMPLICIT: Readonly<Record<number, string>> = { 465: 'smtp', 636: 'ldap', 990: 'ftp', 993: 'imap', 995: 'pop3' };

/** The protocol spoken through TLS, if it is not HTTP. */
export function protocolOf(starttls: string | undefined, port: number): Protocol | undefined {
  const name = starttls ?? IMPLICIT[port];
  return name === undefined ? undefined : PROTOCOLS[name];
}

export function goodbyeName([bytes, name]: readonly [Buffer | string, string?]): string {
  return name ?? escaped(bytes.toString('latin1').trimEnd());
}
