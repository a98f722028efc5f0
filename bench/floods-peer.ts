/** The peer of floods.ts, in a process of its own: an honest handshake, then, behind our alert, as many records of one kind as we take. */
import net from 'node:net';
import { Forger } from '../test/support/forger.js';
import { HANDSHAKE } from '../test/support/sealing.js';
import type { Version } from '../test/support/pair.js';

export interface Order {
  readonly kind: string;
  readonly version: Version;
  readonly records: number;
}

const HEADER_OF_A_LONG_RECORD = Buffer.from([0x17, 3, 3, 0x40, 0x11]);
/** RFC 8446 section 4.6.1: lifetime, age_add, nonce, ticket, no extensions. */
const NEW_SESSION_TICKET = Buffer.concat([Buffer.from([4, 0, 0, 49, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 32]), Buffer.alloc(32), Buffer.from([0, 0])]);
const HELLO_REQUEST = Buffer.alloc(4);

/** What OpenSSL takes without an end: one record of each. */
export const KINDS: Readonly<Record<string, (forger: Forger, index: number) => Buffer>> = {
  'full records of data': (forger) => forger.sealData(Buffer.alloc(16_384)),
  'records of one byte': (forger) => forger.sealData('x'),
  'empty records': (forger) => forger.sealData(''),
  'full records of padding': (forger) => forger.sealData('', 16_383),
  'warnings (user_canceled)': (forger) => forger.sealAlert(1, 90),
  'KeyUpdates': (forger) => forger.sealKeyUpdate(),
  'KeyUpdates that ask for one': (forger) => forger.sealKeyUpdate(true),
  'KeyUpdates, each behind a byte of data': (forger, index) => (index % 2 === 0 ? forger.sealData('x') : forger.sealKeyUpdate(true)),
  'session tickets': (forger) => forger.seal(HANDSHAKE, NEW_SESSION_TICKET),
  'HelloRequests': (forger) => forger.seal(HANDSHAKE, HELLO_REQUEST),
  'one byte of a record at a time': (_forger, index) => (index === 0 ? HEADER_OF_A_LONG_RECORD : Buffer.from([0x17])),
};

function serve(): void {
  process.once('message', ({ kind, version, records }: Order) => {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (line) => {
      const forger = new Forger(line, version, 'server');
      line.on('error', () => {}).on('close', () => process.exit());
      void forger.handshake.then(() => flood(forger, line, kind, records));
    });
    server.listen(0, '127.0.0.1', () => process.send!((server.address() as net.AddressInfo).port));
  });
}

async function flood(forger: Forger, line: net.Socket, kind: string, records: number): Promise<void> {
  const make = KINDS[kind]!;
  await new Promise((resolve) => setTimeout(resolve, 100)); // the client's Finished, and our own tickets
  const sealed = Array.from({ length: records }, (_, index) => make(forger, index));
  const one = Buffer.concat(sealed);
  process.send!({ sealed: one.length });
  await forger.untilOurAlert();
  if (kind === 'one byte of a record at a time') trickle(line, sealed);
  else line.write(one);
}

function trickle(line: net.Socket, bytes: Buffer[]): void {
  const next = bytes.shift();
  if (next !== undefined && !line.destroyed) line.write(next, () => setImmediate(() => trickle(line, bytes)));
}

if (process.argv[2] === 'peer') serve();
