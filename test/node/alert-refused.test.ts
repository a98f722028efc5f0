/**
 * Our alert can't be handed to the transport any more: a reset came before. Behind the peer's alert Node tells nobody of it, neither ECONNRESET nor
 * the EPIPE of the write (Node 20 to 26).
 */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { drainSockets, getShutdown, gracefulShutdown, shutdown, watch, type ShutdownResult } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, turns, type Pair } from '../support/pair.js';
import { expectRefused, handleOf, replaceShutdown } from '../support/refused.js';

const MISSING: Record<string, (socket: TLSSocket) => void> = {
  getpeername: (socket) => Object.defineProperty(handleOf(socket)._parent, 'getpeername', { value: undefined }),
  "answer of the kernel's": (socket) => {
    replaceShutdown(socket, (request, original) => {
      const { oncomplete } = request;
      request.oncomplete = function () {
        oncomplete.call(this); // without one
      };
      return original();
    });
  },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`our alert is refused, ${version} as ${side}`, () => {
      /** The peer's alert is in, its FIN is not. */
      async function ended(): Promise<Pair> {
        const pair = await makePair({ version, side, allowHalfOpen: true });
        pair.relay.holdFin(pair.toUs);
        watch(pair.ours).resume();
        pair.peer.end();
        await once(pair.ours, 'end');
        return pair;
      }

      for (const bidirectional of [false, true]) {
        it(`is TRANSPORT after a reset that Node has read, bidirectional ${bidirectional}`, async () => {
          const { ours, relay, toUs } = await ended();
          relay.resetNow(toUs);
          await turns(3);
          await expectRefused(ours, shutdown(ours, { bidirectional }));
        });

        it(`is TRANSPORT after a reset that Node has not read yet, bidirectional ${bidirectional}`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
          relay.holdFin(toUs);
          let answer: Promise<ShutdownResult> | undefined;
          watch(ours)
            .resume()
            .on('end', () => {
              relay.resetNow(toUs); // its end() comes in the same turn, before the next poll
              answer = shutdown(ours, { bidirectional });
            });
          peer.end();
          await once(ours, 'end');
          await expectRefused(ours, answer!);
        });
      }

      it("is no 1 when the peer's alert and the reset are both unread at the call", async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        let alert: Buffer | undefined;
        watch(ours).resume();
        relay.holdFin(toUs);
        relay.filter(toUs, (chunk) => void (alert = chunk));
        peer.end();
        await relay.until(() => alert !== undefined && relay.fins.includes(toUs));
        relay.filter(toUs, undefined);
        ours.write('now');
        await once(peer, 'data'); // in a poll, so its end() comes before the next one
        relay.inject(toUs, alert!);
        relay.resetNow(toUs);
        const answer = shutdown(ours, { bidirectional: true });
        expect((await answer).value).to.equal(-1);
        expect(getShutdown(ours).sent).to.equal('lost');
        expect(await gracefulShutdown(ours)).to.equal(-1);
      });

      for (const how of ['destroy()', 'destroySoon()', 'end() and destroy()', "destroy() before the kernel's answer"]) {
        it(`is no 1 behind a ${how} in the turn of the call`, async () => {
          const { ours, relay, toUs } = await ended();
          relay.resetNow(toUs);
          await turns(3);
          const end = closed(ours);
          const answer = shutdown(ours, { bidirectional: true });
          if (how.startsWith('end')) ours.end();
          if (how === 'destroySoon()') ours.destroySoon();
          else if (how.endsWith('answer')) setImmediate(() => ours.destroy()); // in the check phase that our alert is written in
          else ours.destroy();
          await end;
          await expectRefused(ours, answer);
        });
      }

      for (const destroyed of [false, true]) {
        it(`is TRANSPORT after a reset right before it is written${destroyed ? ', behind a destroy()' : ''}`, async () => {
          const { ours, relay, toUs } = await ended();
          replaceShutdown(ours, (_request, original) => {
            relay.resetNow(toUs);
            return original();
          });
          const answer = shutdown(ours);
          if (destroyed) ours.destroy();
          await expectRefused(ours, answer);
        });
      }

      it('is no 1 at the end of a for await loop', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side });
        relay.holdFin(toUs);
        watch(ours);
        peer.end('hello');
        for await (const chunk of ours) {
          expect(String(chunk)).to.equal('hello');
          ours.once('end', () => relay.resetNow(toUs));
        }
        expect(await gracefulShutdown(ours)).to.equal(-1);
        expect(getShutdown(ours).sent).not.to.equal('close_notify');
      });

      for (const [name, missing] of Object.entries(MISSING)) {
        it(`is learned where Node has no ${name}, and 1 without a reset`, async () => {
          for (const reset of [true, false]) {
            const { ours, relay, toUs } = await ended();
            missing(ours);
            if (reset) relay.resetNow(toUs);
            await turns(3);
            if (reset) await expectRefused(ours, shutdown(ours));
            else expect(await gracefulShutdown(ours)).to.equal(1);
          }
        });
      }

      it('counts as failed in a drain, not as oneWay, after a bare FIN', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).resume();
        relay.fin(toUs);
        await once(ours, 'end');
        relay.resetNow(toUs);
        await turns(3);
        const { failed, oneWay } = await drainSockets([ours]);
        expect({ failed, oneWay }).to.deep.equal({ failed: 1, oneWay: 0 });
        peer.destroy();
      });
    });
  }
}
