/** Servers that get to TLS by STARTTLS, written from the protocols' documents, and say goodbye. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificate, track, type Version } from './pair.js';

/** What a server says in its turn: bytes, and how the client's next words have to begin. */
export type Step = { readonly says: string | Buffer } | { readonly hears: RegExp; readonly length?: number };

export interface Script {
  /** Up to the answer behind which TLS begins. */
  readonly steps: readonly Step[];
  /** The client's goodbye through TLS, and the answer. */
  readonly goodbye: RegExp;
  readonly answer: string;
  /** An answer that refuses, in place of the last one, and what the probe repeats of it. */
  readonly refusal: string | Buffer;
  readonly said: string;
}

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const LDAP_OID = '1.3.6.1.4.1.1466.20037';

/** An extended response (RFC 4511 section 4.12). */
function ldapResponse(result: number, message: string): Buffer {
  const body = Buffer.concat([bytes(0x0a, 1, result, 0x04, 0, 0x04, message.length), Buffer.from(message), bytes(0x8a, LDAP_OID.length), Buffer.from(LDAP_OID)]);
  const operation = Buffer.concat([bytes(0x78, 0x81, body.length), body]); // the long form of a length, as OpenLDAP's clients have to take it
  return Buffer.concat([bytes(0x30, 0x84, 0, 0, 0, 3 + operation.length, 0x02, 0x01, 0x01), operation]);
}

/** A greeting of the MySQL protocol, version 10. */
function mysqlGreeting(capabilities: number): Buffer {
  const payload = Buffer.concat([bytes(10), Buffer.from('5.5.5-10.11\0'), bytes(1, 0, 0, 0), Buffer.from('saltsalt\0'), bytes(capabilities & 255, capabilities >> 8, 45, 2, 0, 0xff, 0xc1, 21), Buffer.alloc(10), Buffer.from('saltsaltsalt\0mysql_native_password\0')]);
  return Buffer.concat([bytes(payload.length, 0, 0, 0), payload]);
}

const STREAM = "<?xml version='1.0'?><stream:stream from='localhost' id='1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

export const SCRIPTS: Readonly<Record<string, Script>> = {
  smtp: {
    steps: [{ says: '220-mail.example\r\n220 ESMTP\r\n' }, { hears: /^EHLO \S+\r\n$/ }, { says: '250-mail.example\r\n250-STARTTLS\r\n250 OK\r\n' }, { hears: /^STARTTLS\r\n$/ }, { says: '220 Ready\r\n' }],
    goodbye: /^QUIT\r\n$/,
    answer: '221 Bye\r\n',
    refusal: '454 TLS not available\r\n',
    said: '454 TLS not available',
  },
  imap: {
    steps: [{ says: '* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n' }, { hears: /^a1 STARTTLS\r\n$/ }, { says: '* NOOP first\r\na1 OK Begin TLS\r\n' }],
    goodbye: /^a2 LOGOUT\r\n$/,
    answer: '* BYE\r\na2 OK\r\n',
    refusal: 'a1 BAD no TLS\r\n',
    said: 'a1 BAD no TLS',
  },
  pop3: {
    steps: [{ says: '+OK POP3\r\n' }, { hears: /^STLS\r\n$/ }, { says: '+OK Begin TLS\r\n' }],
    goodbye: /^QUIT\r\n$/,
    answer: '+OK\r\n',
    refusal: '-ERR no TLS\r\n',
    said: '-ERR no TLS',
  },
  ftp: {
    steps: [{ says: '220-Welcome\r\n more of it\r\n220 FTP\r\n' }, { hears: /^AUTH TLS\r\n$/ }, { says: '234 go ahead\r\n' }],
    goodbye: /^QUIT\r\n$/,
    answer: '221 Goodbye.\r\n',
    refusal: '502 no\x1b[31mTLS\r\n',
    said: '502 no\\x1b[31mTLS',
  },
  ldap: {
    steps: [{ hears: new RegExp(`^\\x30\\x1d\\x02\\x01\\x01\\x77\\x18\\x80\\x16${LDAP_OID.replaceAll('.', '\\.')}$`) }, { says: ldapResponse(0, '') }],
    goodbye: /^\x30\x05\x02\x01\x02\x42\x00$/,
    answer: '',
    refusal: ldapResponse(52, 'no TLS'),
    said: 'result code 52',
  },
  postgres: {
    steps: [{ hears: /^\x00\x00\x00\x08\x04\xd2\x16\x2f$/ }, { says: 'S' }],
    goodbye: /^\x00\x00\x00\x10\x04\xd2\x16\x2e\x00{8}$/,
    answer: '',
    refusal: 'N',
    said: '"N"',
  },
  mysql: {
    steps: [{ says: mysqlGreeting(0xffff) }, { hears: /^\x20\x00\x00\x01[^]{32}$/, length: 36 }],
    goodbye: /^\x01\x00\x00\x02\x01$/,
    answer: '',
    refusal: mysqlGreeting(0xf7ff),
    said: 'a greeting without TLS',
  },
  xmpp: {
    steps: [
      { hears: /^<\?xml [^>]*><stream:stream to='localhost' [^>]*>$/ },
      { says: `${STREAM}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>` },
      { hears: /^<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/>$/ },
      { says: "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
    ],
    goodbye: /<\/stream:stream>$/,
    answer: '</stream:stream>',
    refusal: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    said: '<failure',
  },
};

/** Plays `steps`, a byte a turn if `slowly`. `wrong` is told of words that it did not expect. */
export async function play(socket: Socket, steps: readonly Step[], { slowly = false, wrong = (_heard: string): void => {} } = {}): Promise<void> {
  for (const step of steps) {
    if ('hears' in step) {
      const heard = await hear(socket, step.length);
      if (!step.hears.test(heard)) wrong(heard);
      continue;
    }
    const all = Buffer.from(step.says);
    if (!slowly) socket.write(all);
    else for (const byte of all) await new Promise((resolve) => setImmediate(resolve, socket.write(Buffer.of(byte))));
  }
}

/** One flight of the client's: it sends each in one piece, and waits for the answer. But MySQL's client goes on with TLS at once: there it has a length. */
async function hear(socket: Socket, length?: number): Promise<string> {
  for (;;) {
    const chunk = socket.read(length) as Buffer | null;
    if (chunk !== null) return chunk.toString('latin1');
    await new Promise((resolve) => socket.once('readable', resolve));
  }
}

/** From here on TLS: it answers the goodbye, and closes by `close_notify`. */
export function secure(socket: Socket, { goodbye, answer }: Script, version?: Version): void {
  const tls = track(new TLSSocket(socket, { isServer: true, ...certificate, ...(version !== undefined && { minVersion: version, maxVersion: version }) }));
  tls.on('error', () => {});
  tls.on('end', () => tls.end());
  tls.on('data', (chunk: Buffer) => {
    const text = chunk.toString('latin1');
    setImmediate(() => tls.end(goodbye.test(text) ? answer : `wrong goodbye: ${text}`));
  });
}
