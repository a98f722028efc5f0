/**
 * Can bytes from the network break `wrap` and `unwrap`? Any bytes in any chunks into the record scanner, against a simple reference; and
 * somebody in the middle of two wrapped sockets, who changes, adds, drops and cuts at any time. Nothing may crash, hang or be held without
 * bound; `unwrap` may give the connection back only behind the peer's authentic alert, and with the bytes behind it, all and no others.
 *
 *   node build/scripts/wrap-fuzz.js [cases, default 100000] [seed, default random]
 */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getShutdown, unwrap } from '../src/index.js';
import { RecordError, RecordScanner } from '../src/closure/record.js';
import { SIDES, VERSIONS, turns, untrack } from '../test/support/pair.js';
import { chance, type Chance } from '../test/support/random.js';
import { wire, type WireEnd } from '../test/support/wire.js';
import { wrapAs } from '../test/support/wrapped.js';

const cases = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
/** Of so many cases one is with sockets. */
const SOCKETS_EVERY = 20;
const MAX_CIPHERTEXT = 2 ** 14 + 2 ** 11;
const MAX_TURNS = 600;

class Wrong extends Error {}
function check(holds: boolean, what: string): void {
  if (!holds) throw new Wrong(what);
}

// The scanner.

/** The length of the first record, with its header; undefined: not all there; null: it is none. */
function reference(bytes: Buffer): number | null | undefined {
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt16BE(3);
  if (bytes[0]! < 20 || bytes[0]! > 24 || bytes[1] !== 3 || length > MAX_CIPHERTEXT) return null;
  return bytes.length < 5 + length ? undefined : 5 + length;
}

function header(random: Chance): Buffer {
  const length = random.pick([0, 1, 2, 19, 26, 300, 2 ** 14 - 1, 2 ** 14, 2 ** 14 + 1, 2 ** 14 + 17, MAX_CIPHERTEXT]);
  const bytes = Buffer.from([random() < 0.6 ? 23 : 20 + random.below(5), 3, random.below(5), length >> 8, length & 255]);
  if (random() < 0.04) bytes[random.below(5)] = random.below(256);
  return bytes;
}

function stream(random: Chance): Buffer {
  const parts: Buffer[] = [];
  for (let i = random.below(6); i >= 0; i--) {
    const start = header(random);
    parts.push(start, Buffer.alloc(start.readUInt16BE(3), random.below(256)));
  }
  if (random() < 0.2) parts.push(random.bytes(random.below(20)));
  const bytes = Buffer.concat(parts);
  return bytes.subarray(0, random() < 0.3 ? random.below(bytes.length + 1) : bytes.length);
}

function scanCase(random: Chance): void {
  const scanner = new RecordScanner();
  let pending: Buffer = Buffer.alloc(0);
  for (const chunk of random.pieces(stream(random))) {
    scanner.add(chunk);
    pending = Buffer.concat([pending, chunk]);
    if (!scanAll(scanner, pending, (rest) => (pending = rest))) return;
    if (random() > 0.1) continue;
    check(scanner.rest().equals(pending), 'rest() is not what is left');
    if (random() < 0.5) scanner.add(pending); // as after unshift()
    else pending = Buffer.alloc(0);
    if (!scanAll(scanner, pending, (rest) => (pending = rest))) return;
  }
  check(scanner.rest().equals(pending), 'rest() is not what is left at the end');
}

/** Takes out all records and compares them; false if an impossible one came, which ends the case. */
function scanAll(scanner: RecordScanner, bytes: Buffer, left: (rest: Buffer) => void): boolean {
  for (let pending = bytes; ; left(pending)) {
    const expected = reference(pending);
    let records: Buffer | null;
    try {
      records = scanner.next();
    } catch (error) {
      check(error instanceof RecordError && expected === null, `it threw ${String(error)}`);
      check(scanner.rest().equals(pending), 'the bytes did not stay');
      return false;
    }
    if (records === null) {
      check(expected === undefined, 'a record is kept back');
      return true;
    }
    check(typeof expected === 'number' && records.equals(pending.subarray(0, records.length)), 'other bytes');
    check(expected === records.length, 'not a whole record, or more than one');
    pending = pending.subarray(records.length);
  }
}

// The sockets.

type Attack = (chunk: Buffer, random: Chance, us: WireEnd) => Buffer[];
const ALERT = Buffer.from([21, 3, 3, 0, 2, 1, 0]);
const ATTACKS: Record<string, Attack | undefined> = {
  'nothing': undefined,
  'a changed byte': (chunk, random) => {
    const copy = Buffer.from(chunk);
    copy[random.below(copy.length)]! ^= 1 << random.below(8);
    return [copy];
  },
  'random bytes before': (chunk, random) => [random.bytes(1 + random.below(50)), chunk],
  'random bytes inside': (chunk, random) => {
    const at = random.below(chunk.length);
    return [chunk.subarray(0, at), random.bytes(1 + random.below(50)), chunk.subarray(at)];
  },
  'random bytes behind': (chunk, random) => [chunk, random.bytes(1 + random.below(50))],
  'an alert in the clear before': (chunk) => [ALERT, Buffer.from('forged'), chunk],
  'an alert in the clear behind': (chunk) => [chunk, ALERT, Buffer.from('forged')],
  'plaintext in its place': () => [Buffer.from('250 ok\r\n')],
  'a record before': (chunk, random) => [header(random), random.bytes(40), chunk],
  'the same twice': (chunk) => [chunk, chunk],
  'nothing in its place': () => [],
  'a FIN in its place': (_chunk, _random, us) => (setImmediate(() => us.finish()), []),
  'a FIN inside': (chunk, random, us) => (setImmediate(() => setImmediate(() => us.finish())), [chunk.subarray(0, random.below(chunk.length))]),
  'a FIN behind': (chunk, _random, us) => (setImmediate(() => setImmediate(() => us.finish())), [chunk]),
  'a reset': (_chunk, _random, us) => (us.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })), []),
  'a close without an error': (_chunk, _random, us) => (us.destroy(), []),
};

interface Unwrapping {
  plain: Duplex | undefined;
  code: string | undefined;
}

function unwrapLater(socket: TLSSocket, unread: 'keep' | 'discard'): Unwrapping {
  const outcome: Unwrapping = { plain: undefined, code: undefined };
  unwrap(socket, { timeout: Infinity, unread }).then(
    (plain) => (outcome.plain = plain),
    (error: { code?: string }) => (outcome.code = error.code ?? String(error)),
  );
  return outcome;
}

async function until(condition: () => boolean, limit = MAX_TURNS): Promise<boolean> {
  for (let i = 0; i < limit && !condition(); i++) await turns(1);
  return condition();
}

async function socketCase(random: Chance): Promise<string> {
  const version = random.pick(VERSIONS);
  const side = random.pick(SIDES);
  const [us, them] = wire();
  const ours = wrapAs(side, us, version).on('error', () => {});
  const peer = wrapAs(side === 'client' ? 'server' : 'client', them, version).on('error', () => {});
  const name = random() < 0.3 ? 'nothing' : random.pick(Object.keys(ATTACKS));
  const attack = ATTACKS[name];
  let attackedAt = random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const small = random() < 0.5;
  them.tamper = (chunk) => {
    const parts = attackedAt-- === 0 && attack !== undefined ? attack(chunk, random, us) : [chunk];
    return small ? parts.flatMap((part) => random.pieces(part)) : parts;
  };
  let tlsBytes: number | undefined;
  peer.once('finish', () => {
    if (getShutdown(peer).sent === 'close_notify') tlsBytes = them.sentBytes; // all of TLS: the plaintext comes later
  });
  const carrier = (ours as unknown as { _handle: { _parentWrap: { stream: Duplex } } })._handle._parentWrap.stream;
  try {
    const outcome = await play(random, ours, peer, us, carrier);
    await verify(outcome, name, us, them, tlsBytes);
    return outcome.plain === undefined ? `${name}: ${outcome.code!}` : `${name}: unwrapped`;
  } catch (error) {
    if (error instanceof Wrong) error.message += ` (${version} ${side}, ${name})`;
    throw error;
  } finally {
    for (const stream of [ours, peer, us, them]) stream.destroy();
    untrack(ours, peer);
  }
}

async function play(random: Chance, ours: TLSSocket, peer: TLSSocket, us: WireEnd, carrier: Duplex): Promise<Unwrapping> {
  const done = (socket: TLSSocket): boolean => socket.destroyed || socket.getFinished() !== undefined;
  if (random() < 0.1) unwrapLater(ours, 'keep'); // in the handshake: refused, and nothing is touched
  await until(() => done(ours) && done(peer), 60);
  await turns(5); // session tickets
  let most = 0;
  ours.on('data', () => (most = Math.max(most, carrier.readableLength)));
  if (random() < 0.3) ours.pause();
  for (let i = random.below(3); i > 0; i--) peer.write(Buffer.alloc(random.pick([1, 100, 20_000]), 'TLS'));
  const first = random() < 0.5 ? unwrapLater(ours, 'discard') : undefined;
  await turns(random.below(4));
  const theirs = unwrapLater(peer, 'discard');
  const send = until(() => theirs.plain !== undefined).then(() => theirs.plain?.write('plain'));
  await turns(random.below(4));
  ours.resume();
  const outcome = first ?? unwrapLater(ours, 'discard');
  const settled = (): boolean => outcome.plain !== undefined || outcome.code !== undefined;
  if (!(await until(settled))) us.destroy(); // silence, which takes a timeout
  check(await until(settled, 50), 'unwrap hangs');
  await send;
  check(most <= 2 ** 17, `${most} bytes are held`);
  return outcome;
}

async function verify({ plain, code }: Unwrapping, attack: string, us: WireEnd, them: WireEnd, tlsBytes: number | undefined): Promise<void> {
  if (plain === undefined) {
    check(attack !== 'nothing', 'it fails with nobody in the middle');
    check(us.destroyed || code === 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE', `the transport is not destroyed after ${code}`);
    return;
  }
  check(plain === us, 'another transport');
  check(tlsBytes !== undefined, 'unwrapped without an alert');
  const tls = Buffer.concat(them.sent).subarray(0, tlsBytes);
  const read: Buffer[] = [];
  plain.on('data', (chunk: Buffer) => read.push(chunk));
  await turns(10);
  const received = Buffer.concat(us.received);
  check(received.subarray(0, tlsBytes).equals(tls), 'unwrapped, and the TLS bytes are not what the peer sent');
  check(Buffer.concat(read).equals(received.subarray(tlsBytes)), 'the plaintext is not what came behind the alert');
  if (attack === 'nothing') check(Buffer.concat(read).equals(Buffer.from('plain')), 'the plaintext did not come');
}

console.log(`node ${process.version}, ${cases} cases, seed ${seed}`);
const counts: Record<string, number> = {};
let running = 0;
process.on('uncaughtException', (error) => {
  console.log(`case ${running} of seed ${seed}:`, error);
  process.exit(1);
});
for (; running < cases; running++) {
  const random = chance(seed + running);
  if (running % SOCKETS_EVERY !== 0) scanCase(random);
  else {
    const outcome = await socketCase(random);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
}
for (const [outcome, count] of Object.entries(counts).sort()) console.log(String(count).padStart(6), outcome);
