/**
 * Is the verdict right, whatever the network does? Random sizes, segments, pauses, readers, versions, sides; half of the runs end by the
 * peer's close_notify, half are cut somewhere before it. Every clean end must be `close_notify`, no truncated one may be.
 *
 *   node build/scripts/verdict-fuzz.js [runs, default 10000] [seed, default random]
 */
import { once } from 'node:events';
import { gracefulShutdown, getShutdown, watch, type ReceivedState } from '../src/index.js';
import { SIDES, VERSIONS, closeTracked, makePair, turns, type Pair } from '../test/support/pair.js';

const runs = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));

/** mulberry32: small, seeded, good enough to choose with. */
function generator(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Reader = 'flowing' | 'paused at first' | 'stop and go' | 'for await' | 'discard';
const READERS: Reader[] = ['flowing', 'paused at first', 'stop and go', 'for await', 'discard'];

async function run(random: () => number): Promise<{ description: string; clean: boolean; received: ReceivedState; lost: number }> {
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const version = pick(VERSIONS);
  const side = pick(SIDES);
  const reader = pick(READERS);
  const clean = random() < 0.5;
  // 0 to 5 MB, mostly small.
  const size = random() < 0.1 ? 0 : random() < 0.02 ? below(5_000_000) : Math.floor(2 ** (random() * 16));
  const pair = await makePair({ version, side, early: watch });
  const bytes = await recordFrom(pair, size, below);
  const cutAt = clean ? bytes.length : cutting(bytes, below);
  let read = 0;
  const consumed = consume(pair, reader, (length) => (read += length));
  const call = random() < 0.5 ? gracefulShutdown(pair.ours, { bidirectional: true, unread: reader === 'discard' ? 'discard' : 'keep' }) : undefined;
  await deliver(pair, bytes.subarray(0, cutAt), below);
  await consumed;
  const value = await call;
  const { received } = getShutdown(pair.ours);
  const description = `${version} as ${side}, ${size} bytes, ${reader}, cut at ${cutAt} of ${bytes.length}, value ${value}`;
  if (value !== undefined && value !== (clean ? 1 : -1)) throw new Error(`the value is wrong: ${description}`);
  closeTracked();
  await turns(1);
  return { description, clean, received, lost: clean && reader !== 'discard' ? size - read : 0 };
}

/** What the peer sends, from its first record to its alert, held back by the relay. */
async function recordFrom({ peer, relay, toUs }: Pair, size: number, below: (n: number) => number): Promise<Buffer> {
  const held: Buffer[] = [];
  relay.filter(toUs, (chunk) => void held.push(chunk));
  relay.holdFin(toUs);
  for (let left = size; left > 0; ) {
    const length = Math.min(left, 1 + below(size));
    peer.write(Buffer.alloc(length));
    left -= length;
  }
  peer.resume().end();
  await relay.until(() => relay.fins.includes(toUs));
  relay.filter(toUs, undefined);
  return Buffer.concat(held);
}

/** Anywhere before the end: at a record's boundary, in mid-record, or in the alert itself. */
function cutting(bytes: Buffer, below: (n: number) => number): number {
  const starts: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) starts.push(at);
  const choice = below(3);
  if (choice === 0) return starts.at(-1)!; // the alert alone is missing
  if (choice === 1) return starts[below(starts.length)]!;
  return below(bytes.length);
}

async function deliver({ relay, toUs }: Pair, bytes: Buffer, below: (n: number) => number): Promise<void> {
  const largest = [1, 10, 100, 2000, 100_000, bytes.length][below(6)]!;
  let segments = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = segments++ > 50 ? bytes.length : 1 + below(largest);
    relay.inject(toUs, bytes.subarray(at, at + length));
    at += length;
    if (below(2) === 0) await turns(1 + below(3));
  }
  if (below(2) === 0) await turns(below(4));
  relay.fin(toUs);
}

async function consume({ ours }: Pair, reader: Reader, onRead: (length: number) => void): Promise<void> {
  ours.on('error', () => {});
  const over = new Promise<void>((resolve) => ours.once('end', resolve).once('close', () => resolve()));
  const onData = (chunk: Buffer): void => onRead(chunk.length);
  if (reader === 'for await') {
    try {
      for await (const chunk of ours as AsyncIterable<Buffer>) onRead(chunk.length);
    } catch {
      // a cut stream may end by an error: the verdict is what counts
    }
    return over;
  }
  if (reader === 'discard') ours.resume();
  else ours.on('data', onData);
  if (reader === 'paused at first') {
    ours.pause();
    await once(ours, 'readable');
    ours.resume();
  } else if (reader === 'stop and go') {
    ours.on('data', () => {
      ours.pause();
      setImmediate(() => ours.resume());
    });
  }
  return over;
}

console.log(`node ${process.version}, ${runs} runs, seed ${seed}`);
const random = generator(seed);
const counts = { clean: 0, 'clean, seen as close_notify': 0, truncated: 0, 'truncated, seen as fin': 0, 'truncated, seen as unverified': 0 };
let failures = 0;
for (let i = 0; i < runs; i++) {
  const { description, clean, received, lost } = await run(random);
  const right = clean ? received === 'close_notify' && lost === 0 : received === 'fin' || received === 'unverified';
  if (!right) {
    failures++;
    console.log(`run ${i} is WRONG: ${clean ? 'clean' : 'truncated'} but ${received}, ${lost} bytes lost: ${description}`);
  }
  counts[clean ? 'clean' : 'truncated']++;
  if (clean && received === 'close_notify') counts['clean, seen as close_notify']++;
  if (!clean && (received === 'fin' || received === 'unverified')) counts[`truncated, seen as ${received}`]++;
}
console.log(counts);
if (failures > 0) process.exitCode = 1;
