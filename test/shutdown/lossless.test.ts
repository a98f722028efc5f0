/** Nothing is lost: not what was written before, not what the peer sent before its alert, from wherever the call is made. */
import { expect } from 'chai';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { gracefulShutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, makePair, readAll, seenBy, turns, type Pair } from '../support/pair.js';

const RECORDS = 500;
const BOTH = { bidirectional: true };

/** 500 records of 100 bytes in one segment, then, once our end has come, the peer's alert. */
async function deliverAtOnce({ relay, toUs, peer }: Pair): Promise<void> {
  const held: Buffer[] = [];
  relay.filter(toUs, (chunk) => void held.push(chunk));
  const before = relay.records.length;
  // Each write waits for the one before: Node would put writes that wait together into one record.
  for (let i = 0; i < RECORDS; i++) await new Promise((resolve) => peer.write(Buffer.alloc(100, i), resolve));
  peer.resume().once('end', () => setImmediate(() => peer.end()));
  await relay.until(() => relay.records.length >= before + RECORDS);
  relay.filter(toUs, undefined);
  relay.inject(toUs, Buffer.concat(held));
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`nothing is lost, ${version} as ${side}`, () => {
      const callers: Record<string, (ours: TLSSocket, call: () => void) => Promise<number>> = {
        "the first 'data'": async (ours, call) => {
          let received = 0;
          ours.on('data', (chunk: Buffer) => {
            if (received === 0) call();
            received += chunk.length;
          });
          await once(ours, 'end');
          return received;
        },
        "a microtask of the first 'data'": async (ours, call) => {
          let received = 0;
          ours.on('data', (chunk: Buffer) => {
            if (received === 0) void Promise.resolve().then(call);
            received += chunk.length;
          });
          await once(ours, 'end');
          return received;
        },
        'a for await loop': async (ours, call) => {
          let received = 0;
          for await (const chunk of ours as AsyncIterable<Buffer>) {
            if (received === 0) call();
            received += chunk.length;
          }
          return received;
        },
        'a pipeline': async (ours, call) => {
          let received = 0;
          const sink = new Writable({
            write(chunk: Buffer, _encoding, done) {
              if (received === 0) call();
              received += chunk.length;
              setImmediate(done); // a slow reader: pipeline pauses the socket between
            },
          });
          await pipeline(ours, sink, { end: true });
          return received;
        },
      };
      for (const [where, consume] of Object.entries(callers)) {
        it(`delivers the peer's 50,000 bytes when called in ${where}`, async () => {
          const pair = await makePair({ version, side });
          let result: Promise<number> | undefined;
          const received = consume(pair.ours, () => (result ??= gracefulShutdown(pair.ours, BOTH)));
          await deliverAtOnce(pair);
          expect(await received).to.equal(RECORDS * 100);
          expect(await result).to.equal(1);
        });
      }

      it("delivers the peer's 50,000 bytes when somebody else calls end() in the first 'data' of a watched socket", async () => {
        const pair = await makePair({ version, side });
        const received = callers["the first 'data'"]!(watch(pair.ours), () => pair.ours.end());
        await deliverAtOnce(pair);
        expect(await received).to.equal(RECORDS * 100);
        expect(await gracefulShutdown(pair.ours)).to.equal(1);
      });

      it('delivers 60 MB written before the call to a slow reader, then the alert', async () => {
        const { ours, peer } = await makePair({ version, side });
        watch(peer);
        const size = 60_000_000;
        ours.write(Buffer.alloc(size));
        const first = gracefulShutdown(ours, { timeout: Infinity });
        let received = 0;
        peer.on('data', (chunk: Buffer) => {
          received += chunk.length;
          peer.pause();
          setImmediate(() => peer.resume());
        });
        await once(peer, 'end');
        expect(received).to.equal(size);
        expect(seenBy(peer)).to.equal('close_notify');
        expect(await first).to.equal(0);
      });

      it('delivers both directions when both sides close at once, with data under way', async () => {
        const { ours, peer } = await makePair({ version, side });
        const size = 3_000_000;
        ours.write(Buffer.alloc(size, 1));
        peer.write(Buffer.alloc(size, 2));
        const read = Promise.all([readAll(ours), readAll(peer)]);
        expect(await Promise.all([gracefulShutdown(ours, BOTH), gracefulShutdown(peer, BOTH)])).to.deep.equal([1, 1]);
        expect((await read).map((data) => data.length)).to.deep.equal([size, size]);
      });
    });
  }

  it(`delivers the server's first data when called in 'secureConnect', ${version}`, async () => {
    let result: Promise<number> | undefined;
    let received: Promise<Buffer> | undefined;
    const { peer } = await makePair({
      version,
      side: 'client',
      early: (socket) =>
        socket.once('secureConnect', () => {
          received = readAll(socket);
          result = gracefulShutdown(socket, BOTH);
        }),
    });
    peer.write('greeting');
    await turns();
    peer.resume().end();
    expect(await result).to.equal(1);
    expect(String(await received)).to.equal('greeting');
  });
}
