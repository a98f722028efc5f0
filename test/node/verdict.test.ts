/** How the peer ended, on every kind of transport, clean and cut, flowing and paused. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, watch, type ReceivedState } from '../../src/index.js';
import { VERSIONS, certificate, listen, seenBy, track } from '../support/pair.js';
import { TRANSPORTS } from '../support/transports.js';

const HIDES = Number(process.versions.openssl.split('.')[0]) >= 3 && !process.versions.openssl.startsWith('3.0');

async function ended(ours: TLSSocket): Promise<ReceivedState> {
  if (!ours.closed && !ours.readableEnded) await Promise.race([once(ours, 'end'), once(ours, 'close')]);
  return ours.allowHalfOpen ? seenBy(ours) : getShutdown(ours).received; // without it Node ends our side, too
}

for (const version of VERSIONS) {
  for (const [name, make] of Object.entries(TRANSPORTS)) {
    const http = name.includes('HTTP');
    describe(`the verdict over ${name}, ${version}`, () => {
      it("is close_notify at the peer's alert, when 'end' is emitted", async () => {
        const { ours, close } = await make(version, watch);
        if (!http) ours.resume();
        ours.on('error', () => {});
        close();
        // nghttp2 stops the reading natively: a stopped transport is no proof either way there.
        expect(await ended(ours)).to.be.oneOf(name === 'an HTTP/2 server' ? ['close_notify', 'unverified'] : ['close_notify']);
      });

      it('is never close_notify when the transport is cut', async () => {
        const { ours, cut } = await make(version, watch);
        if (!http) ours.resume();
        ours.on('error', () => {});
        cut();
        // What a parser read natively is not counted by record, so a hidden close_notify can't always be ruled out.
        const undecided = name === 'an HTTP/2 server' || (name === 'an HTTP/1 server' && HIDES && version === 'TLSv1.3');
        expect(await ended(ours)).to.be.oneOf(undecided ? ['fin', 'unverified'] : ['fin']);
      });

      if (!http && name !== 'TCP with onread') {
        for (const [ending, expected] of [['close', 'close_notify'], ['cut', 'fin']] as const) {
          it(`is ${expected} behind data that nobody read in time (${ending})`, async () => {
            const pair = await make(version, watch);
            pair.ours.pause();
            pair.ours.on('error', () => {});
            await new Promise((resolve) => pair.peer.write(Buffer.alloc(100_000), resolve));
            pair[ending]();
            await once(pair.ours, 'readable');
            pair.ours.resume();
            expect(await ended(pair.ours)).to.equal(expected);
          });
        }
      }
    });
  }
}

for (const version of VERSIONS) {
  for (const data of ['', 'hello']) {
    it(`is fin on a watched server when a client is cut right behind its handshake${data && ' and first data'}, ${version}`, async () => {
      const server = watch(tls.createServer({ ...certificate, maxVersion: version }));
      const port = await listen(server);
      const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
      const raw = track(net.connect(port, '127.0.0.1'));
      const client = tls.connect({ socket: raw, rejectUnauthorized: false }, () => {
        client.write(data);
        client.write('', () => raw.end());
      });
      client.on('error', () => {});
      const [ours] = await accepted;
      ours.on('error', () => {}).resume();
      expect(await ended(track(ours))).to.equal('fin');
    });
  }
}
