/** What an application has put over a method that a watch takes the place of is called as before, whichever it is. */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { gracefulShutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair } from '../support/pair.js';

/** Puts a method over that of `socket`, and counts its calls. */
function count(socket: TLSSocket, name: string): { calls: number } {
  const counter = { calls: 0 };
  const original = (socket as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!;
  Object.assign(socket, {
    [name](this: TLSSocket, ...args: unknown[]) {
      counter.calls++;
      return original.apply(this, args);
    },
  });
  return counter;
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`methods that were there before, ${version} as ${side}`, () => {
      for (const name of ['push', '_final', '_destroy']) {
        it(`calls ${name}`, async () => {
          const { ours, peer } = await makePair({ version, side });
          const counter = count(ours, name);
          watch(ours);
          const end = closed(ours.resume());
          peer.end();
          await end;
          expect(counter.calls).to.equal(1);
        });
      }

      it('calls _tlsError', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        const counter = count(ours, '_tlsError');
        watch(ours);
        relay.inject(toUs, Buffer.from('no TLS record'));
        expect(await gracefulShutdown(ours.resume(), { bidirectional: true })).to.equal(-1);
        expect(counter.calls).to.equal(1);
      });
    });
  }
}
