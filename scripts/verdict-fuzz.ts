/**
 * Is the verdict right, whatever the peer and the network do? Random sizes, records, segments, pauses, readers, transports, versions, sides, and
 * moments of our own alert. The peer ends by its close_notify, or is cut somewhere before it, perhaps with anything behind the cut, or by a fatal
 * alert with anything behind it. In some runs the application calls end() in a read callback before anybody watches.
 * Every clean end must be `close_notify` and 1 (after an early end() it may be unverified), nothing else may be.
 *
 *   node build/scripts/verdict-fuzz.js [runs, default 10000] [seed, default random]
 */
import { getShutdown, gracefulShutdown, watch, type ReceivedState } from '../src/index.js';
import { EARLY_ENDS, FOLLOWS, type EarlyEnd, type Follows } from '../test/support/early-end.js';
import { FORGED, type Forged } from '../test/support/forged.js';
import { SIDES, VERSIONS, turns, type Side, type Version } from '../test/support/pair.js';
import { chance, type Chance } from '../test/support/random.js';

const READERS = ['flowing', 'paused at first', 'stop and go', 'for await', 'discard'] as const;
const ENDINGS = ['clean', 'truncated', 'named fatal alert', 'unnamed fatal alert'] as const;
type Reader = (typeof READERS)[number];
type Ending = (typeof ENDINGS)[number];
const KINDS = Object.keys(FORGED);
const NATIVE = ['TCP', 'a Unix socket'];
/** Plain Node, too, destroys a TLS socket when a foreign Duplex under it has closed: what is unread then is lost. */
const FOREIGN = ['a Duplex', 'a greedy Duplex'];
/** Those of which OpenSSL's reason has a text (ssl_err.c), and those of which it has none, up to 255. */
const NAMED = [10, 20, 21, 22, 30, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 109, 110, 111, 112, 113, 114, 115, 116, 120];
const UNNAMED = [1, 2, 19, 23, 52, 77, 79, 87, 99, 101, 108, 117, 119, 121, 122, 200, 254, 255];
const MAX_PLAINTEXT = 16_384;

interface Plan {
  readonly kind: string;
  readonly version: Version;
  readonly side: Side;
  readonly ending: Ending;
  readonly reader: Reader;
  readonly size: number;
  /** The application ends the socket there, before anybody watches, and then we are called. */
  readonly early: { readonly end: EarlyEnd; readonly follows: Follows } | undefined;
  /** Our call begins before the bytes come, between them, or when the stream is over. */
  readonly call: 'first' | 'between' | 'last';
}

interface Outcome {
  readonly value: number;
  readonly received: ReceivedState;
  readonly lost: number;
}

function makePlan(random: Chance): Plan {
  const early = random() < 0.2 ? { end: random.pick(Object.keys(EARLY_ENDS) as EarlyEnd[]), follows: random.pick(Object.keys(FOLLOWS) as Follows[]) } : undefined;
  // 0 to 5 MB, mostly small. An early end() needs data to be called at.
  const size = random() < 0.1 ? 0 : random() < 0.02 ? random.below(5_000_000) : Math.floor(2 ** (random() * 16));
  return {
    // A socket of wrap() is always watched, and end() waits.
    kind: random() < 0.6 ? 'TCP' : random.pick(early ? KINDS.filter((kind) => !kind.startsWith('wrap()')) : KINDS),
    version: random.pick(VERSIONS),
    side: random.pick(SIDES),
    ending: random.pick(['clean', ...ENDINGS, 'truncated']),
    reader: random.pick(READERS),
    size: early ? Math.max(1, size) : size,
    early,
    call: random.pick(['first', 'between', 'last']),
  };
}

/** All that the peer sends, and where the alert or the cut begins. */
interface Stream {
  readonly bytes: Buffer;
  readonly end: number;
}

function streamOf({ version, ending, size }: Plan, { forger }: Forged, random: Chance): Stream {
  const records: Buffer[] = [];
  for (let left = size; left > 0; ) {
    const length = Math.min(left, MAX_PLAINTEXT, 1 + random.below(size));
    const padding = random() < 0.1 ? random.below(MAX_PLAINTEXT - length + 1) : 0;
    if (version === 'TLSv1.3' && random() < 0.05) records.push(forger.sealKeyUpdate());
    records.push(forger.sealData(Buffer.alloc(length), padding));
    left -= length;
  }
  const data = Buffer.concat(records);
  const padding = random() < 0.2 ? random.below(MAX_PLAINTEXT) : 0;
  if (ending.endsWith('fatal alert')) {
    const alert = forger.sealAlert(2, random.pick(ending === 'named fatal alert' ? NAMED : UNNAMED), padding);
    return { bytes: Buffer.concat([data, alert, junk(forger, random)]), end: data.length };
  }
  const alert = forger.sealAlert(1, 0, padding);
  if (ending === 'clean') return { bytes: Buffer.concat([data, alert]), end: data.length };
  const cut = cutting([...records, alert], random);
  const uncut = Buffer.concat([data, alert]).subarray(0, cut);
  return { bytes: random() < 0.2 ? Buffer.concat([uncut, random.bytes(1 + random.below(60))]) : uncut, end: cut };
}

/** What anybody on the path can put behind it, or the peer itself. */
function junk(forger: Forged['forger'], random: Chance): Buffer {
  return [(): Buffer => Buffer.alloc(0), () => Buffer.from([0x17]), () => random.bytes(1 + random.below(60)), () => forger.sealData('more'), () => forger.sealAlert(1, 0)][random.below(5)]!();
}

/** Anywhere before the end: at a record's boundary, in mid-record, or in the alert itself. */
function cutting(records: readonly Buffer[], random: Chance): number {
  const starts = records.map((_, i) => records.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const choice = random.below(3);
  if (choice === 0) return starts.at(-1)!; // the alert alone is missing
  if (choice === 1) return random.pick(starts);
  return random.below(starts.at(-1)! + records.at(-1)!.length);
}

/** `inTheMiddle` is called between two pieces, or behind the last. */
async function deliver(forged: Forged, { bytes, end }: Stream, random: Chance, inTheMiddle: () => void): Promise<void> {
  const largest = random.pick([1, 10, 100, 2000, 100_000, bytes.length]);
  // What comes before the end may be long: the end shall come in pieces as well.
  const from = random() < 0.3 ? Math.max(0, end - random.below(30)) : 0;
  const pieces = from > 0 ? [bytes.subarray(0, from)] : [];
  for (let at = from; at < bytes.length; ) {
    const length = pieces.length > 50 ? bytes.length : 1 + random.below(largest);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  const middle = random.below(pieces.length + 1);
  for (const [i, piece] of pieces.entries()) {
    if (i === middle) inTheMiddle();
    forged.deliver(piece);
    if (random.below(2) === 0) await turns(1 + random.below(3));
  }
  if (middle === pieces.length) inTheMiddle();
  if (random.below(2) === 0) await turns(random.below(4));
  forged.fin();
}

/** How many bytes were read when it was over. */
async function consume({ ours, onData }: Forged, { reader, kind }: Plan): Promise<number> {
  let read = 0;
  const over = new Promise<void>((resolve) => ours.once('end', resolve).once('close', () => resolve()).once('error', () => resolve()));
  const take = (chunk: Buffer): void => {
    read += chunk.length;
    onData();
  };
  if (reader === 'for await') {
    try {
      // The end of the loop destroys the socket. Only over the kernel our alert has left before that.
      for await (const chunk of NATIVE.includes(kind) ? ours : ours.iterator({ destroyOnReturn: false })) take(chunk as Buffer);
    } catch {
      // a cut stream may end by an error: the verdict is what counts
    }
  } else if (reader === 'discard') ours.resume();
  else ours.on('data', take);
  if (reader === 'paused at first') ours.pause().once('readable', () => ours.resume());
  else if (reader === 'stop and go') {
    ours.on('data', () => {
      ours.pause();
      setImmediate(() => ours.resume());
    });
  }
  await over;
  return read;
}

async function run(plan: Plan, random: Chance): Promise<Outcome> {
  const { kind, version, side, ending, reader, size, early } = plan;
  const forged = await FORGED[kind]!(version, side, early ? () => {} : watch);
  const { ours } = forged;
  ours.on('error', () => {});
  try {
    const stream = streamOf(plan, forged, random);
    let answer: Promise<number> | undefined;
    const ask = (): Promise<number> => (answer ??= gracefulShutdown(ours, { bidirectional: true, timeout: ending === 'clean' ? 5000 : 100, unread: reader === 'discard' ? 'discard' : 'keep' }));
    if (early) {
      const called = new Promise<void>((resolve) => {
        EARLY_ENDS[early.end](ours, () => {
          forged.onData();
          if (ours.writableEnded) return;
          ours.end();
          FOLLOWS[early.follows](() => resolve(void ask()));
        });
      });
      await deliver(forged, stream, random, () => {});
      // A cut may have left nothing to be read, or half of a record.
      await Promise.race([called, turns(50)]);
      return { value: await ask(), received: getShutdown(ours).received, lost: 0 };
    }
    const consumed = consume(forged, plan);
    if (plan.call === 'first') void ask();
    await deliver(forged, stream, random, () => void (plan.call === 'between' && ask()));
    if (ending === 'clean') await consumed;
    else if (plan.call === 'last') await Promise.race([consumed, turns(50)]);
    const value = await ask();
    return { value, received: getShutdown(ours).received, lost: ending === 'clean' && reader !== 'discard' ? size - (await consumed) : 0 };
  } finally {
    forged.destroy();
    await turns(1);
  }
}

function isRight({ ending, early, kind, reader }: Plan, { value, received, lost }: Outcome): boolean {
  const isClean = value === 1 && received === 'close_notify';
  if (ending === 'clean' && early) return isClean || (value === -1 && received !== 'fin');
  if (ending === 'clean') return isClean && (lost === 0 || (reader === 'stop and go' && FOREIGN.includes(kind)));
  return value === -1 && received !== 'close_notify';
}

const runs = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`node ${process.version}, ${runs} runs, seed ${seed}`);
const random = chance(seed);
/** By how the peer ended and whether end() came early: how often which verdict. */
const counts: Record<string, Record<string, number>> = {};
const alive = setInterval(() => {}, 1000); // over a Duplex nothing else keeps the process while a call waits
let failures = 0;
for (let i = 0; i < runs; i++) {
  const plan = makePlan(random);
  const outcome = await run(plan, random);
  if (!isRight(plan, outcome)) {
    failures++;
    console.log(`run ${i} is WRONG: ${JSON.stringify(outcome)} for ${JSON.stringify(plan)}`);
  }
  const row = (counts[`${plan.ending}${plan.early ? ', early end()' : ''}`] ??= {});
  row[outcome.received] = (row[outcome.received] ?? 0) + 1;
}
clearInterval(alive);
for (const kind of Object.keys(counts).sort()) {
  const row = counts[kind]!;
  const seen = Object.entries(row).map(([received, count]) => `${count} ${received}`);
  console.log(`${kind}: ${Object.values(row).reduce((a, b) => a + b)} runs, seen as ${seen.join(', ')}`);
}
console.log(`${failures} wrong`);
if (failures > 0) process.exitCode = 1;
