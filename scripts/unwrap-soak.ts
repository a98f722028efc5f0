/**
 * One TCP connection, many rounds of TLS on it, then plaintext: does anything pile up, is anything lost?
 *
 *   node build/scripts/unwrap-soak.js [rounds, default 1000] [megabytes of plaintext, default 100]
 */
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { unwrap } from '../src/index.js';
import { collect, gc } from '../test/support/gc.js';
import { VERSIONS, closeTracked, untrack, turns } from '../test/support/pair.js';
import { connection, gone, handshakes, listenersOf, talkPlain, wrapAs } from '../test/support/wrapped.js';

const rounds = Number(process.argv[2] ?? 1000);
const megabytes = Number(process.argv[3] ?? 100);
/** More than the noise of a heap that has just been collected, less than what one TLS socket a round would take. */
const HEAP_LIMIT = 2_000_000;

async function round(a: Duplex, b: Duplex, i: number): Promise<void> {
  const version = VERSIONS[i % 2]!;
  const [from, to] = i % 4 < 2 ? [a, b] : [b, a];
  const [client, server] = [wrapAs('client', from, version), wrapAs('server', to, version)];
  await handshakes(client, server);
  client.write(`round ${i}`);
  const [text] = (await once(server, 'data')) as [Buffer];
  if (String(text) !== `round ${i}`) throw new Error(`round ${i}: ${String(text)}`);
  await turns(); // session tickets
  const plain = await Promise.all([unwrap(client), unwrap(server)]);
  if (plain[0] !== from || plain[1] !== to) throw new Error(`round ${i}: another transport`);
  await Promise.all([gone(client), gone(server)]);
  untrack(client, server);
  await talkPlain(a, b);
}

async function heap(): Promise<number> {
  await collect();
  return process.memoryUsage().heapUsed;
}

function expectFlat(what: string, before: number, after: number): void {
  console.log(`${what}: the heap grew by ${after - before} bytes`);
  if (after - before > HEAP_LIMIT) throw new Error(`${what}: more than ${HEAP_LIMIT}`);
}

async function sendPlain(from: Duplex, hash: Hash): Promise<void> {
  for (let i = 0; i < megabytes; i++) {
    const block = Buffer.alloc(1_000_000, `block ${i} `);
    hash.update(block);
    if (!from.write(block)) await once(from, 'drain');
  }
  from.end();
}

console.log(`node ${process.version}, ${rounds} rounds, ${megabytes} MB`);
const [a, b] = await connection();
const listeners = JSON.stringify([listenersOf(a), listenersOf(b)]);
const warmUp = Math.min(100, rounds);
for (let i = 0; i < warmUp; i++) await round(a, b, i);
const before = await heap();
for (let i = warmUp; i < rounds; i++) await round(a, b, i);
expectFlat(`${rounds - warmUp} rounds`, before, await heap());
if (JSON.stringify([listenersOf(a), listenersOf(b)]) !== listeners) throw new Error('listeners were left on the transports');

const [sent, received] = [createHash('sha256'), createHash('sha256')];
const sending = sendPlain(a, sent);
let most = 0;
let chunks = 0;
for await (const chunk of b as AsyncIterable<Buffer>) {
  received.update(chunk);
  if (++chunks % 200 !== 0) continue;
  gc();
  most = Math.max(most, process.memoryUsage().heapUsed);
}
await sending;
if (sent.digest('hex') !== received.digest('hex')) throw new Error('the plaintext is not what was sent');
expectFlat(`${megabytes} MB of plaintext, at most`, before, most);
closeTracked();
