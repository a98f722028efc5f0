/** A socket that is destroyed right behind its end(), or between a call and its end(), as a `for await` loop does: our alert leaves, as it would without us. */
import { expect } from 'chai';
import { once } from 'node:events';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, closed, makePair, readAll, seenBy, turns, type Pair } from '../support/pair.js';

const BOTH = { sent: 'close_notify', received: 'close_notify' };

const CONSUMERS: Record<string, (socket: TLSSocket) => Promise<number>> = {
  'for await': async (socket) => {
    let read = 0;
    for await (const chunk of socket) read += (chunk as Buffer).length;
    return read;
  },
  'stream/consumers': async (socket) => (await buffer(socket)).length,
  toArray: async (socket) => Buffer.concat(await socket.toArray()).length,
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`destroyed early, ${version} as ${side}`, () => {
      for (const [name, consume] of Object.entries(CONSUMERS)) {
        it(`answers the peer's alert when a watched socket is read by ${name}`, async () => {
          const { ours, peer } = await makePair({ version, side });
          watch(ours);
          watch(peer).resume();
          const [over, end] = [closed(peer), once(peer, 'end')];
          const read = consume(ours);
          peer.end('hello');
          expect(await read).to.equal(5);
          await end;
          await over;
          expect(getShutdown(peer)).to.deep.equal(BOTH);
          expect(getShutdown(ours)).to.deep.equal(BOTH);
          expect(await gracefulShutdown(ours)).to.equal(1);
        });
      }

      for (const allowHalfOpen of [false, true]) {
        it(`sends the alert when the call is made within for await, and the end came in the same segment, allowHalfOpen ${allowHalfOpen}`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen });
          watch(peer).resume();
          const over = closed(peer);
          let held = Buffer.alloc(0);
          relay.holdFin(toUs);
          relay.filter(toUs, (chunk) => void (held = Buffer.concat([held, chunk])));
          peer.end('hello');
          await relay.until(() => held.length > 5 && held.length > 5 + held.readUInt16BE(3)); // there is a second record
          relay.filter(toUs, undefined);
          relay.inject(toUs, held);
          let answer: Promise<number> | undefined;
          for await (const chunk of ours) {
            expect(String(chunk)).to.equal('hello');
            answer ??= gracefulShutdown(ours, { bidirectional: true });
          }
          await over;
          expect(getShutdown(peer)).to.deep.equal(BOTH);
          expect(await answer).to.equal(1);
          expect(getShutdown(ours)).to.deep.equal(BOTH);
        });
      }

      it('sends what was written and the alert when it is destroyed a turn after end()', async () => {
        const { ours, peer } = await makePair({ version, side });
        watch(ours);
        const read = readAll(watch(peer));
        ours.end('bye');
        setImmediate(() => ours.destroy());
        expect(String(await read)).to.equal('bye');
        expect(seenBy(peer)).to.equal('close_notify');
        expect(getShutdown(ours).sent).to.equal('close_notify');
        expect((await shutdown(ours, { bidirectional: true })).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
      });

      for (const when of ['in the turn of the call', 'later']) {
        it(`claims no alert where data stands before it, destroyed ${when}`, async () => {
          const { ours, peer, relay, toPeer } = await makePair({ version, side });
          watch(peer);
          relay.stall(toPeer, true);
          ours.write(Buffer.alloc(20_000_000));
          const result = shutdown(ours);
          if (when === 'later') await turns();
          ours.destroy();
          expect((await result).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
          relay.stall(toPeer, false);
          await readAll(peer);
          expect(getShutdown(peer).received).not.to.equal('close_notify');
          await turns();
          expect(getShutdown(ours).sent).to.equal('queued');
        });
      }

      it('sends no alert in place of data that is written and not sent', async () => {
        const { ours, peer } = await makePair({ version, side });
        watch(peer);
        ours.cork();
        ours.write('lost, and the peer can tell');
        const result = shutdown(ours);
        ours.destroy();
        expect((await result).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
        expect(await readAll(peer)).to.have.length(0);
        expect(getShutdown(peer).received).to.equal('fin');
      });

      it("is TRANSPORT, with the cause, when somebody's end() after a reset is followed by a destroy with its error", async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        relay.holdFin(toUs);
        watch(ours).resume();
        peer.end();
        await once(ours, 'end');
        relay.resetNow(toUs);
        await turns(3);
        const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
        ours.end();
        const answer = shutdown(ours, { bidirectional: true });
        ours.destroy(cause);
        expect((await answer).error).to.include({ code: 'ERR_TLS_SHUTDOWN_TRANSPORT', cause });
      });

      it("keeps the async context of each end of reading on watched sockets, cut in one turn", async () => {
        const store = new AsyncLocalStorage<number>();
        const makeOne = async (i: number): Promise<Pair> => makePair({ version, side, early: (socket) => void watch(socket.on('end', () => seen.push([i, store.getStore()]))) });
        const seen: unknown[] = [];
        const pairs = [await store.run(0, makeOne, 0), await store.run(1, makeOne, 1)];
        const ends = pairs.map(({ ours }) => once(ours.resume(), 'end'));
        for (const { relay, toUs } of pairs) relay.fin(toUs);
        await Promise.all(ends);
        expect(seen).to.have.deep.members([
          [0, 0],
          [1, 1],
        ]);
      });

      it('throws nothing where data and a reset have come before end() and destroy() in one callback', async () => {
        const { ours, forger } = await FORGED['TCP']!(version, side, watch);
        const over = closed(ours.on('data', () => {}).on('error', () => {}));
        const bytes = forger.sealData(Buffer.alloc(5000));
        await new Promise<void>((resolve) => {
          setTimeout(() => {
            forger.line.write(bytes); // the kernel has both at once, and we have read neither
            (forger.line as Socket).resetAndDestroy();
            ours.end();
            ours.destroy();
            resolve();
          }, 0);
        });
        await over; // what is thrown in a read callback fails the test
        expect(getShutdown(ours)).to.deep.equal({ sent: 'lost', received: 'open' });
      });

      it("gives out nothing more where its own _destroy takes its time, and a listener destroys it at the first of two records", async () => {
        const { ours, forger, deliver } = await FORGED['TCP']!(version, side, watch);
        const answer = gracefulShutdown(ours, { bidirectional: true });
        await forger.untilOurAlert();
        const { _destroy } = ours;
        ours._destroy = (error, callback) => void setImmediate(() => _destroy.call(ours, error, callback));
        const seen: string[] = [];
        ours.on('data', (chunk: Buffer) => {
          seen.push(`${chunk}`);
          ours.destroy();
        });
        const over = closed(ours);
        deliver(Buffer.concat([forger.sealData('one'), forger.sealData('two')]));
        await over;
        expect(seen).to.deep.equal(['one']);
        expect(await answer).to.equal(-1);
      });

      it("keeps the async context of each end() on watched sockets", async () => {
        const store = new AsyncLocalStorage<number>();
        const pairs = [await makePair({ version, side }), await makePair({ version, side })];
        const seen = pairs.map(({ ours }, i) => {
          watch(ours);
          return store.run(i, () => new Promise((resolve) => ours.end(() => resolve(store.getStore()))));
        });
        expect(await Promise.all(seen)).to.deep.equal([0, 1]);
      });

      it("keeps the async context of each destroy(error) after both alerts, with data unread", async () => {
        const store = new AsyncLocalStorage<number>();
        const pairs = [await makePair({ version, side, allowHalfOpen: true }), await makePair({ version, side, allowHalfOpen: true })];
        for (const { ours, peer } of pairs) {
          peer.resume().end('unread');
          expect(await gracefulShutdown(watch(ours), { bidirectional: true })).to.equal(1);
        }
        const seen = pairs.map(({ ours }) => new Promise((resolve) => ours.on('error', () => resolve(store.getStore()))));
        pairs.forEach(({ ours }, i) => store.run(i, () => ours.destroy(new Error('own'))));
        expect(await Promise.all(seen)).to.deep.equal([0, 1]);
      });
    });
  }
}
