/** Both steps, and quiet, over every kind of transport. */
import { expect } from 'chai';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { VERSIONS, certificate, track } from '../support/pair.js';
import { TRANSPORTS } from '../support/transports.js';

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

/** Two ends; each write is done a turn later than it is passed on. */
function slowPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map(
    (i) =>
      new Duplex({
        read: () => {},
        write: (chunk, _encoding, done) => {
          ends[1 - i]!.push(chunk);
          setImmediate(done);
        },
        final: (done) => {
          ends[1 - i]!.push(null);
          done();
        },
      }),
  );
  return [ends[0]!, ends[1]!];
}

for (const maxVersion of VERSIONS) {
  it(`returns 1 over a Duplex that is still busy with the handshake's last write, ${maxVersion}`, async () => {
    const [under, far] = slowPair();
    const peer = watch(track(new TLSSocket(far, { isServer: true, ...certificate, maxVersion }))).resume();
    peer.on('end', () => peer.end());
    const ours = watch(track(tls.connect({ socket: under, rejectUnauthorized: false, maxVersion }))).resume();
    await once(ours, 'secureConnect');
    expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
    expect([getShutdown(ours), getShutdown(peer).received]).to.deep.equal([{ sent: 'close_notify', received: 'close_notify' }, 'close_notify']);
  });
}
