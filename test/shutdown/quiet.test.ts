import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, readAll, seenBy, turns, type Pair } from '../support/pair.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    const pairOf = (): Promise<Pair> => makePair({ version, side });

    describe(`quiet, ${version} as ${side}`, () => {
      it('returns 1, flushes what was written, and the peer gets a bare FIN', async () => {
        const { ours, peer } = await pairOf();
        watch(peer);
        ours.write(Buffer.alloc(500_000));
        const received = readAll(peer);
        const result = shutdown(ours, { quiet: true });
        expect((await received).length).to.equal(500_000);
        expect(getShutdown(peer).received).to.equal('fin');
        peer.destroy();
        expect(await result).to.deep.include({ value: 1, state: { sent: 'quiet', received: 'fin' } });
        expect(ours.destroyed).to.equal(true);
      });

      it('keeps received true: a peer that answers with close_notify', async () => {
        const { ours, peer } = await pairOf();
        peer.resume().once('end', () => peer.end());
        expect((await shutdown(ours, { quiet: true })).state).to.deep.equal({ sent: 'quiet', received: 'close_notify' });
      });

      it('returns 1 when the time is over and the peer has said nothing, and has destroyed the socket', async () => {
        const { ours } = await pairOf();
        expect(await gracefulShutdown(ours, { quiet: true, timeout: 30 })).to.equal(1);
        expect(ours.destroyed).to.equal(true);
      });

      it('returns 1 at once with timeout: 0 when nothing is left to flush', async () => {
        const { ours } = await pairOf();
        expect(await gracefulShutdown(ours, { quiet: true, timeout: 0 })).to.equal(1);
        expect(getShutdown(ours).sent).to.equal('quiet');
      });

      it('returns 1 to a peer that resets after the flush', async () => {
        const { ours, peer, relay, toUs } = await pairOf();
        const result = gracefulShutdown(ours, { quiet: true });
        peer.resume();
        await once(peer, 'end');
        relay.reset(toUs);
        expect(await result).to.equal(1);
      });

      it('discards what comes in, so that the close is no reset that eats our data', async () => {
        const { ours, peer, relay, toPeer } = await pairOf();
        relay.stall(toPeer, true);
        peer.write(Buffer.alloc(5_000_000));
        ours.write(Buffer.alloc(500_000));
        const result = gracefulShutdown(ours, { quiet: true });
        relay.stall(toPeer, false);
        const received = readAll(peer);
        expect((await received).length).to.equal(500_000);
        peer.end();
        expect(await result).to.equal(1);
      });

      for (const how of ["has a 'readable' listener that reads nothing", 'is paused right after the call', 'is read by a slow iterator']) {
        it(`discards what comes in, closes and destroys a socket that ${how}`, async () => {
          const { ours, peer, relay, toPeer } = await pairOf();
          relay.stall(toPeer, true);
          if (how.startsWith('has')) ours.on('readable', () => {});
          if (how.startsWith('is read')) void ours[Symbol.asyncIterator]().next();
          peer.write(Buffer.alloc(5_000_000));
          ours.write(Buffer.alloc(500_000));
          if (how.startsWith('has')) while (ours.readableLength < ours.readableHighWaterMark) await turns(1); // Node has stopped reading
          const result = gracefulShutdown(ours, { quiet: true });
          if (how.startsWith('is paused')) ours.pause();
          relay.stall(toPeer, false);
          const received = readAll(peer);
          expect((await received).length).to.equal(500_000);
          peer.destroy();
          expect(await result).to.equal(1);
          expect(ours.destroyed).to.equal(true);
        });
      }

      it('destroys a socket whose alert is out, with data unread', async () => {
        const { ours, peer } = await pairOf();
        peer.resume().on('end', () => peer.end('unread'));
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
        expect(ours.destroyed).to.equal(false);
        expect(await gracefulShutdown(ours, { quiet: true })).to.equal(1);
        expect(ours.destroyed).to.equal(true);
      });

      /** Of a paused reader, who stays paused. */
      async function abortQuiet(ours: TLSSocket): Promise<void> {
        const controller = new AbortController();
        const aborted = shutdown(ours.pause(), { quiet: true, signal: controller.signal });
        controller.abort();
        expect(await aborted.catch((error: unknown) => error)).to.include({ name: 'AbortError' });
        ours.pause();
      }

      it('discards all on a socket whose alert is out, from a paused reader too', async () => {
        const { ours, peer } = await pairOf();
        expect(await gracefulShutdown(ours.on('data', expect.fail))).to.equal(0);
        const answer = shutdown(ours, { quiet: true });
        ours.pause();
        peer.end(Buffer.alloc(500_000));
        const { value, unreadBytes } = await answer;
        expect({ value, unreadBytes }).to.deep.equal({ value: 1, unreadBytes: 0 });
      });

      for (const unread of ['keep', 'discard'] as const) {
        it(`keeps what comes for a paused reader after an abort on a socket whose alert is out, unread: '${unread}'`, async () => {
          const { ours, peer } = await pairOf();
          const chunks: Buffer[] = [];
          expect(await gracefulShutdown(ours.on('data', (chunk: Buffer) => void chunks.push(chunk)))).to.equal(0);
          await abortQuiet(ours);
          const answer = shutdown(ours, { bidirectional: true, unread });
          ours.pause();
          peer.end('kept');
          expect((await answer).value).to.equal(1);
          const end = closed(ours.resume());
          await end;
          expect(String(Buffer.concat(chunks))).to.equal('kept');
        });
      }

      it('goes on after an abort once it has begun: what comes in is discarded, from a paused reader too', async () => {
        const { ours, peer } = await pairOf();
        await abortQuiet(ours.on('data', expect.fail));
        const end = closed(ours);
        peer.resume().end(Buffer.alloc(500_000));
        await end;
        expect(getShutdown(ours)).to.deep.equal({ sent: 'quiet', received: 'close_notify' });
      });

      it('destroys the socket of a peer that answers by a fatal alert and stays', async () => {
        const { ours, relay, toUs } = await pairOf();
        relay.holdFin(toUs);
        const result = shutdown(ours, { quiet: true, timeout: Infinity });
        await relay.until(() => relay.fins.length > 0);
        relay.inject(toUs, Buffer.from('garbage in place of a record'));
        expect(await result).to.deep.include({ value: 1, state: { sent: 'quiet', received: 'error' } });
        expect(ours.destroyed).to.equal(true);
      });

      it('returns -1 when what was written can not be flushed in time', async () => {
        const { ours, relay, toPeer } = await pairOf();
        relay.stall(toPeer, true);
        ours.write(Buffer.alloc(20_000_000));
        const result = await shutdown(ours, { quiet: true, timeout: 30 });
        expect(result.error).to.include({ code: 'ERR_TLS_SHUTDOWN_TIMEOUT', sslError: 'SSL_ERROR_WANT_WRITE' });
      });

      it('returns -1 on a dead transport', async () => {
        const { ours } = await pairOf();
        ours.destroy();
        expect((await shutdown(ours, { quiet: true })).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
      });

      it("can't take a queued alert back; others in step 2 get CLOSED", async () => {
        const { ours, peer } = await pairOf();
        watch(peer);
        const waiting = shutdown(ours, { bidirectional: true });
        const quiet = gracefulShutdown(ours, { quiet: true, timeout: 100 });
        peer.resume();
        await once(peer, 'end');
        expect(await quiet).to.equal(1);
        expect(seenBy(peer)).to.equal('close_notify');
        expect((await waiting).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
        expect(getShutdown(ours).sent).to.equal('close_notify');
      });
    });
  }
}
