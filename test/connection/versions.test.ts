/** Two versions of the package in one process: the second one finds a record on the socket that it can't share. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, makePair } from '../support/pair.js';

const CONNECTION = Symbol.for('tls-graceful-shutdown.connection');

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`another version's record on the socket, ${version} as ${side}`, () => {
      for (const ending of ['close_notify', 'a FIN'] as const) {
        for (const first of ['the peer', 'we'] as const) {
          it(`is left alone, the transport is not asked, and the verdict is unverified: ${ending}, ${first} first`, async () => {
            const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
            const record = { version: 999 };
            Object.assign(ours, { [CONNECTION]: record });
            const parent = (ours as unknown as { _handle: { _parent: { readStart(): number; useUserBuffer(buffer: Buffer): unknown } } })._handle._parent;
            let asked = 0;
            watch(ours).resume();
            parent.useUserBuffer = () => void asked++;
            const { readStart } = parent;
            parent.readStart = () => (asked++, readStart.call(parent));
            const end = (): void => void (ending === 'close_notify' ? peer.end() : relay.fin(toUs));
            peer.resume();
            if (first === 'the peer') {
              end();
              await once(ours, 'end');
              expect(getShutdown(ours).received).to.equal('unverified');
            } else {
              peer.once('end', end);
            }
            const { value, error } = await shutdown(ours, { bidirectional: true });
            expect([value, error?.code]).to.deep.equal([-1, 'ERR_TLS_SHUTDOWN_UNVERIFIED']);
            expect((ours as unknown as Record<symbol, unknown>)[CONNECTION]).to.equal(record);
            expect(asked).to.equal(0);
          });
        }
      }
    });
  }
}
