/** A socket with a `_destroy` of the application's own that fails: the error is emitted, as without us, and it is held like any late error. */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { gracefulShutdown } from '../src/index.js';
import { SIDES, VERSIONS, closed, makePair } from './support/pair.js';

type Destroy = TLSSocket['_destroy'];

const reason = new Error('own');
const WAYS: Record<string, (destroy: Destroy) => Destroy> = {
  throws: (destroy) =>
    function (this: TLSSocket, error, _callback) {
      destroy.call(this, error, () => {});
      throw reason;
    },
  'calls back with an error': (destroy) =>
    function (this: TLSSocket, error, callback) {
      destroy.call(this, error, () => callback(reason));
    },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const [way, failing] of Object.entries(WAYS)) {
      for (const value of [0, 1]) {
        for (const listeners of [0, 1]) {
          it(`an own _destroy that ${way} after a ${value} ends no process, ${version} as ${side}, ${listeners} listeners`, async () => {
            const { ours, peer } = await makePair({ version, side });
            const before = ours.listenerCount('error'); // Node's own, on a server
            ours._destroy = failing(ours._destroy);
            const heard: unknown[] = [];
            if (listeners === 1) ours.on('error', (error) => heard.push(error));
            ours.resume();
            peer.resume();
            if (value === 1) peer.on('end', () => peer.end());
            const end = closed(ours);
            expect(await gracefulShutdown(ours, { bidirectional: value === 1 })).to.equal(value);
            if (value === 0) ours.destroy();
            await end;
            expect(heard).to.deep.equal(listeners === 1 ? [reason] : []);
            expect(ours.listenerCount('error')).to.equal(before + listeners);
            expect(await gracefulShutdown(ours)).to.equal(value === 1 ? 1 : -1);
          });
        }
      }
    }
  }
}
