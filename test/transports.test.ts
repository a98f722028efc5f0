/** Both steps, and quiet, over every kind of transport. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, gracefulShutdown, watch } from '../src/index.js';
import { VERSIONS } from './support/pair.js';
import { TRANSPORTS } from './support/transports.js';

for (const version of VERSIONS) {
  for (const [name, make] of Object.entries(TRANSPORTS)) {
    for (const quiet of [false, true]) {
      it(`returns 1 ${quiet ? 'for quiet, and the peer sees no alert' : 'for both steps'} over ${name}, ${version}`, async () => {
        const { ours, peer } = await make(version, () => {});
        const ended = once(watch(peer).resume(), 'end').then(() => setImmediate(() => peer.end()));
        expect(await gracefulShutdown(ours, quiet ? { quiet } : { bidirectional: true })).to.equal(1);
        await ended;
        // With ALPN h2 a FIN is unverified: nghttp2 may have stopped the reading.
        expect(getShutdown(peer).received).to.equal(quiet ? (name === 'an HTTP/2 server' ? 'unverified' : 'fin') : 'close_notify');
      });
    }
  }
}
