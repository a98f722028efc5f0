/** Bytes that somebody without keys puts into the stream. */
import { expect } from 'chai';
import { shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, makePair, turns } from '../support/pair.js';

/** The header of a record of 1,000 bytes, and some of them. */
const LONG_RECORD = Buffer.from([0x17, 3, 3, 3, 0xe8, 1, 2, 3]);
/** A record that is all there. */
const WHOLE_RECORD = Buffer.from([0x17, 3, 3, 0, 40, ...Buffer.alloc(40)]);

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const when of ['before', 'behind'] as const) {
      describe(`bytes injected ${when} our alert, ${version} as ${side}`, () => {
        for (const [bytes, code] of [[LONG_RECORD, 'TIMEOUT'], [WHOLE_RECORD, 'PROTOCOL']] as const) {
          it(`${code}: they ${code === 'TIMEOUT' ? "announce a record that never comes whole, in which the peer's alert is lost" : 'are a record that OpenSSL refuses'}`, async () => {
            const { ours, peer, relay, toUs } = await makePair({ version, side, early: watch });
            ours.on('error', () => {}).resume();
            peer.resume().once('end', () => peer.end());
            const close = () => shutdown(ours, { bidirectional: true, timeout: 100 });
            relay.mute(toUs);
            const early = when === 'behind' ? close() : undefined;
            if (when === 'behind') await turns(10);
            relay.inject(toUs, bytes);
            await turns(5);
            const { value, error, state } = await (early ?? close());
            expect([value, error?.code]).to.deep.equal([-1, `ERR_TLS_SHUTDOWN_${code}`]);
            expect(state.received).to.equal(code === 'TIMEOUT' ? 'open' : 'error');
          });
        }
      });
    }
  }
}
