/** Every row of the two steps, on real sockets: TLS 1.2 and 1.3, as client and as server. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, getShutdownError, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, readAll, seenBy, turns, type Pair } from '../support/pair.js';

const BOTH = { sent: 'close_notify', received: 'close_notify' };

for (const version of VERSIONS) {
  for (const side of SIDES) {
    const pairOf = (options: { allowHalfOpen?: boolean } = {}): Promise<Pair> => makePair({ version, side, ...options });

    describe(`the two steps, ${version} as ${side}`, () => {
      it('returns 0 when our alert is out and the peer has not answered, then 1 when its alert comes', async () => {
        const { ours, peer } = await pairOf();
        expect(await gracefulShutdown(ours)).to.equal(0);
        expect(getShutdown(ours)).to.deep.equal({ sent: 'close_notify', received: 'open' });
        const second = gracefulShutdown(ours);
        peer.resume().end();
        expect(await second).to.equal(1);
        expect(getShutdown(ours)).to.deep.equal(BOTH);
      });

      it("returns 1 at the first step when the peer's alert is in already", async () => {
        const { ours, peer } = await pairOf({ allowHalfOpen: true });
        watch(ours);
        peer.end();
        ours.resume();
        await once(ours, 'end');
        expect(getShutdown(ours)).to.deep.equal({ sent: 'open', received: 'unverified' }); // a fatal alert could look the same, but ours leaves behind no fatal alert
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it('returns 1 for both steps in one call, and at once ever after', async () => {
        const { ours, peer } = await pairOf();
        peer.resume().on('end', () => setImmediate(() => peer.end()));
        const gone = closed(ours.resume());
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
        for (const options of [{}, { bidirectional: true }, { quiet: true }, { timeout: 0 }]) expect(await gracefulShutdown(ours, options)).to.equal(1);
        await gone;
        expect(await gracefulShutdown(ours)).to.equal(1);
        expect(getShutdownError(ours)).to.equal(undefined);
      });

      it('returns 1 when a watched peer closed first and Node has destroyed the socket', async () => {
        const { ours, peer } = await pairOf();
        watch(ours).resume();
        peer.resume().end();
        await once(ours, 'close');
        expect(await shutdown(ours)).to.deep.equal({ value: 1, state: BOTH, error: undefined, unreadBytes: 0 });
      });

      it('joins step 1 when called before our alert is out, and does not become step 2', async () => {
        const { ours, peer } = await pairOf();
        expect(await Promise.all([gracefulShutdown(ours), gracefulShutdown(ours), gracefulShutdown(ours)])).to.deep.equal([0, 0, 0]);
        peer.resume().end();
        expect(await Promise.all([gracefulShutdown(ours), gracefulShutdown(ours, { bidirectional: true })])).to.deep.equal([1, 1]);
      });

      it("counts somebody else's end() as step 1 started", async () => {
        const { ours, peer } = await pairOf();
        ours.end('last words');
        expect(await gracefulShutdown(ours)).to.equal(0);
        const all = readAll(peer);
        expect(String(await all)).to.equal('last words');
        peer.end();
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it("goes on to step 2 when somebody else's end() is done", async () => {
        const { ours, peer } = await pairOf();
        ours.end();
        await once(ours, 'finish');
        expect(getShutdown(ours)).to.deep.equal({ sent: 'close_notify', received: 'open' });
        peer.resume().end();
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it('delivers all that was written before, and then a real alert', async () => {
        const { ours, peer } = await pairOf();
        watch(peer);
        ours.cork();
        ours.write('a');
        ours.write('b'.repeat(300_000));
        const received = readAll(peer);
        expect(await gracefulShutdown(ours)).to.equal(0);
        expect((await received).length).to.equal(300_001);
        expect(seenBy(peer)).to.equal('close_notify');
      });

      it('shows the queued alert while data before it is not flushed', async () => {
        const { ours, peer, relay, toPeer } = await pairOf();
        relay.stall(toPeer, true);
        peer.pause();
        ours.write(Buffer.alloc(20_000_000));
        const first = gracefulShutdown(ours);
        expect(getShutdown(ours)).to.deep.equal({ sent: 'queued', received: 'open' });
        relay.stall(toPeer, false);
        peer.resume();
        expect(await first).to.equal(0);
      });

      it("keeps the peer's data that nobody reads, and says how much there is", async () => {
        const { ours, peer } = await pairOf();
        peer.resume();
        peer.end('unread');
        const gone = closed(ours);
        const result = await shutdown(ours, { bidirectional: true });
        expect(result).to.deep.equal({ value: 1, state: BOTH, error: undefined, unreadBytes: 6 });
        expect(ours.destroyed).to.equal(false);
        expect(String(await readAll(ours))).to.equal('unread');
        await gone;
      });

      for (const how of ['pause()', "the end of a 'readable' listener"]) {
        it(`throws away with unread: 'discard' also what comes behind ${how} while it waits`, async () => {
          const { ours, peer } = await pairOf({ allowHalfOpen: true });
          const listener = (): void => {};
          if (how !== 'pause()') ours.on('readable', listener);
          const answer = gracefulShutdown(ours, { bidirectional: true, unread: 'discard' });
          if (how === 'pause()') ours.pause();
          else ours.off('readable', listener);
          await turns();
          peer.end(Buffer.alloc(2_000_000));
          expect(await answer).to.equal(1);
        });
      }

      it("takes nothing from a 'data' consumer that has paused, with unread: 'discard'", async () => {
        const { ours, peer } = await pairOf({ allowHalfOpen: true });
        let read = 0;
        ours.on('data', (chunk: Buffer) => (read += chunk.length));
        const answer = gracefulShutdown(ours, { bidirectional: true, unread: 'discard' });
        ours.pause();
        peer.end('kept');
        while (ours.readableLength === 0) await turns(1);
        await once(ours.resume(), 'end');
        expect(await answer).to.equal(1);
        expect(read).to.equal(4);
      });

      it("keeps what comes once no call with 'discard' waits any more", async () => {
        const { ours, peer, relay, toUs } = await pairOf({ allowHalfOpen: true });
        const answer = await shutdown(ours, { bidirectional: true, unread: 'discard', timeout: 20 });
        expect(answer.value).to.equal(-1);
        ours.pause();
        relay.holdFin(toUs);
        peer.write('kept');
        while (ours.readableLength === 0) await turns(1);
        expect(String(ours.read())).to.equal('kept');
      });

      it("frees the socket by a call with 'discard' after a 1 that left data unread", async () => {
        const { ours, peer } = await pairOf();
        peer.resume().on('end', () => peer.end('unread'));
        expect((await shutdown(ours, { bidirectional: true })).unreadBytes).to.equal(6);
        const end = once(ours, 'close');
        expect(await gracefulShutdown(ours, { unread: 'discard' })).to.equal(1);
        await end;
      });

      it('reads each option once', async () => {
        const { ours, peer } = await pairOf();
        peer.resume().on('end', () => peer.end());
        let reads = 0;
        const options = { bidirectional: true, get timeout() { return reads++ === 0 ? 5000 : NaN; }, get signal() { return undefined as unknown as AbortSignal; } }; // prettier-ignore
        expect(await gracefulShutdown(ours.resume(), options)).to.equal(1);
        expect(reads).to.equal(1);
      });

      it("throws the peer's unread data away with unread: 'discard', and Node frees the socket", async () => {
        const { ours, peer } = await pairOf();
        peer.resume();
        peer.end(Buffer.alloc(2_000_000));
        const gone = closed(ours);
        expect((await shutdown(ours, { bidirectional: true, unread: 'discard' })).value).to.equal(1);
        await gone;
        expect(ours.readableLength).to.equal(0);
      });

      it("lets 'discard' from any waiting call win", async () => {
        const { ours, peer } = await pairOf();
        peer.resume();
        peer.end(Buffer.alloc(2_000_000));
        const kept = gracefulShutdown(ours, { bidirectional: true });
        const discarded = gracefulShutdown(ours, { bidirectional: true, unread: 'discard' });
        expect(await Promise.all([kept, discarded])).to.deep.equal([1, 1]);
      });

      it('does not destroy the socket', async () => {
        const { ours, peer } = await pairOf();
        peer.resume();
        expect(await gracefulShutdown(ours)).to.equal(0);
        await turns(5);
        expect(ours.destroyed).to.equal(false);
      });
    });
  }
}
