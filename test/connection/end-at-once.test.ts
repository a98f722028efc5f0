/** On a watched socket `end()` waits for the end of the turn only where it may stand in a read callback. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { watch } from '../../src/index.js';
import { SIDES, VERSIONS, makePair, readAll, seenBy } from '../support/pair.js';

/** Ciphertext that has been written. */
const written = (socket: TLSSocket): number => (socket as unknown as { _handle: { _parent: { bytesWritten: number } } })._handle._parent.bytesWritten;

const OUTSIDE: Record<string, (run: () => void) => void> = {
  'a timer': (run) => setTimeout(run, 0),
  'an interval': (run) => {
    const interval = setInterval(() => (clearInterval(interval), run()), 1);
  },
  'an immediate': (run) => setImmediate(run),
};
const PERHAPS_INSIDE: Record<string, (socket: TLSSocket, run: () => void) => void> = {
  "a 'data' listener": (socket, run) => void socket.once('data', run),
  'a tick of it': (socket, run) => void socket.once('data', () => process.nextTick(run)),
  'a microtask of it': (socket, run) => void socket.once('data', () => queueMicrotask(run)),
  'a continuation of it': (socket, run) => void socket.once('data', () => void Promise.resolve().then(run)),
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`end() on a watched socket, ${version} as ${side}`, () => {
      for (const [where, schedule] of Object.entries(OUTSIDE)) {
        it(`sends the alert at once in ${where}, so that the process may exit behind it`, async () => {
          const { ours, peer } = await makePair({ version, side });
          watch(ours).resume();
          watch(peer).resume();
          const grown = await new Promise<number>((resolve) => {
            schedule(() => {
              const before = written(ours);
              ours.end();
              resolve(written(ours) - before);
            });
          });
          expect(grown).to.be.greaterThan(0);
          await once(peer, 'end');
          expect(seenBy(peer)).to.equal('close_notify');
        });
      }

      for (const [where, schedule] of Object.entries(PERHAPS_INSIDE)) {
        it(`waits in ${where}, so that nothing is lost that has arrived`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side });
          watch(ours);
          const held: Buffer[] = [];
          relay.filter(toUs, (chunk) => void held.push(chunk));
          for (let i = 0; i < 5; i++) await new Promise((resolve) => peer.write(Buffer.alloc(1000), resolve));
          await relay.until(() => Buffer.concat(held).length > 5000);
          let grown = NaN;
          schedule(ours, () => {
            const before = written(ours);
            ours.end();
            grown = written(ours) - before;
          });
          relay.filter(toUs, undefined);
          relay.inject(toUs, Buffer.concat(held)); // in one segment
          peer.resume().end();
          expect((await readAll(ours)).length).to.equal(5000);
          expect(grown).to.equal(0);
        });
      }
    });
  }
}
