/** The first byte behind the peer's alert is the first of the plain connection, however it comes. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { unwrap } from '../../src/index.js';
import { closeTracked, readAll, turns } from '../support/pair.js';
import { describeCases, gone, readBytes, talkPlain, wrapAs, handshakes, wrappedPair, type Case, type WrappedPair } from '../support/wrapped.js';

const SECRET = 'through TLS';
/** Looks like the beginning of another alert, and of a full record. */
const PLAIN = Buffer.concat([Buffer.from([21, 3, 3, 0, 2, 1, 0, 23, 3, 3, 0x40, 0x11]), Buffer.from('plain')]);

/** What the peer says last in TLS, with its alert, and a pair that has not got it. */
async function lastWords(of: Case): Promise<WrappedPair & { tls: Buffer; peerPlain: Promise<Duplex> }> {
  const pair = await wrappedPair(of);
  const { peer, relay, toUs } = pair;
  const held: Buffer[] = [];
  relay.filter(toUs, (chunk) => void held.push(chunk));
  peer.write(SECRET);
  const before = relay.records.length;
  const peerPlain = unwrap(peer);
  peerPlain.catch(() => {}); // of a test that ends before
  await relay.until(() => relay.records.slice(before).filter(({ direction }) => direction === toUs).length === 2);
  relay.filter(toUs, undefined);
  return { ...pair, tls: Buffer.concat(held), peerPlain };
}

async function arrived({ raw }: WrappedPair, bytes: number): Promise<void> {
  while (raw.bytesRead < bytes) await turns(1);
}

describeCases('unwrap at the boundary', (of) => {
  it('hands out all plaintext and nothing else, wherever the segment with the alert and it is cut', async function () {
    this.timeout(60_000);
    let cuts = Infinity;
    for (let cut = 0; cut < cuts; cut++) {
      const pair = await lastWords(of);
      const { ours, tls, relay, toUs, raw, transport } = pair;
      const segment = Buffer.concat([tls, PLAIN]);
      cuts = segment.length;
      const start = raw.bytesRead;
      // Called before all of it, between the two segments, or after all of it.
      const unwrapped = cut % 3 === 0 ? unwrap(ours) : undefined;
      if (cut > 0) relay.inject(toUs, segment.subarray(0, cut));
      await arrived(pair, start + cut);
      const between = cut % 3 === 1 ? unwrap(ours) : undefined;
      await turns(1);
      relay.inject(toUs, segment.subarray(cut));
      if (cut % 3 === 2) await turns(3);
      const plain = await (unwrapped ?? between ?? unwrap(ours));
      expect(plain, `cut at ${cut}`).to.equal(transport);
      expect((await readBytes(plain, PLAIN.length)).equals(PLAIN), `plaintext, cut at ${cut}`).to.equal(true);
      expect(String(ours.read()), `TLS data, cut at ${cut}`).to.equal(SECRET);
      await talkPlain(plain, await pair.peerPlain);
      expect(plain.readableLength).to.equal(0);
      closeTracked();
    }
    expect(cuts).to.be.greaterThan(60);
  });

  it('byte by byte gives the same', async () => {
    const { ours, tls, relay, toUs } = await lastWords(of);
    const text = once(ours, 'data');
    const unwrapped = unwrap(ours);
    for (const byte of Buffer.concat([tls, PLAIN])) {
      relay.inject(toUs, Buffer.from([byte]));
      await turns(1);
    }
    expect(String((await text)[0])).to.equal(SECRET);
    expect(await readBytes(await unwrapped, PLAIN.length)).to.deep.equal(PLAIN);
  });

  for (const reader of ["'data'", 'for await', "'readable'"]) {
    it(`gives plaintext and FIN that are right behind the alert to ${reader}`, async () => {
      const { ours, tls, relay, toUs } = await lastWords(of);
      const unwrapped = unwrap(ours);
      relay.inject(toUs, Buffer.concat([tls, PLAIN]));
      relay.fin(toUs);
      const plain = await unwrapped;
      expect((await readWith(reader, plain)).equals(PLAIN)).to.equal(true);
      expect(String(ours.read())).to.equal(SECRET);
    });
  }

  it("tells of a FIN right behind the alert by 'end' on the plain connection", async () => {
    const { ours, tls, relay, toUs } = await lastWords(of);
    const unwrapped = unwrap(ours, { unread: 'discard' });
    relay.inject(toUs, tls);
    relay.fin(toUs);
    const plain = await unwrapped;
    expect((await readWith("'data'", plain)).length).to.equal(0);
  });

  it('waits behind unread TLS data of any size, and loses neither it nor the plaintext and FIN behind it', async () => {
    const { ours, peer, raw, transport } = await wrappedPair(of);
    const data = readFileSync(process.execPath).subarray(0, 3_000_000);
    peer.write(data);
    const theirs = unwrap(peer).then((plain) => plain.end(PLAIN));
    const unwrapped = unwrap(ours);
    // Nobody reads, so TLS reading stops, with much of it still on the way.
    for (let last = -1; last < raw.bytesRead; await turns(20)) last = raw.bytesRead;
    expect(raw.bytesRead).to.be.lessThan(data.length);
    const [received, plain] = await Promise.all([readAll(ours), unwrapped]);
    expect(received.equals(data)).to.equal(true);
    expect(plain).to.equal(transport);
    expect((await readWith("'data'", plain)).equals(PLAIN)).to.equal(true);
    await theirs;
  });

  it('leaves a large plaintext to its reader, and holds the peer back until one reads', async () => {
    const { ours, tls, relay, toUs, transport } = await lastWords(of);
    const data = Buffer.alloc(4_000_000, 'plaintext');
    relay.inject(toUs, Buffer.concat([tls, data]));
    await turns(20);
    const plain = await unwrap(ours, { unread: 'discard' });
    expect(plain).to.equal(transport);
    expect(plain.readableLength).to.be.lessThan(1_000_000);
    relay.fin(toUs);
    expect((await readWith('for await', plain)).equals(data)).to.equal(true);
  });

  it('does the same again on the same connection, with alternating roles', async () => {
    const { ours, peer, raw } = await wrappedPair(of);
    let [a, b] = (await Promise.all([unwrap(ours), unwrap(peer)])) as [Duplex, Duplex];
    for (let round = 0; round < 3; round++) {
      await talkPlain(a, b);
      const client = wrapAs('client', round % 2 === 0 ? a : b, of.version);
      const server = wrapAs('server', round % 2 === 0 ? b : a, of.version);
      await handshakes(client, server);
      client.write(SECRET);
      expect(String((await once(server, 'data'))[0])).to.equal(SECRET);
      const [plainClient, plainServer] = await Promise.all([unwrap(client), unwrap(server)]);
      [a, b] = round % 2 === 0 ? [plainClient, plainServer] : [plainServer, plainClient];
      await Promise.all([gone(client), gone(server)]);
    }
    await talkPlain(a, b);
    expect(raw.destroyed).to.equal(false);
  });
});

async function readWith(reader: string, stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (reader === 'for await') {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  } else {
    if (reader === "'data'") stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    else stream.on('readable', () => void takeAll(stream, chunks));
    await once(stream, 'end');
  }
  return Buffer.concat(chunks);
}

function takeAll(stream: Duplex, into: Buffer[]): void {
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) into.push(chunk);
}
