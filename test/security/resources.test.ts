/** What a peer can make us wait for and keep. */
import { expect } from 'chai';
import { completeDrainOptions, shutdownOptions } from '../../src/arguments.js';
import { shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

it('each call has a limit: 5 s, of a drain 30 s, and of each of its sockets and handshakes 5 s', () => {
  expect(shutdownOptions({}).timeout).to.equal(5000);
  expect(completeDrainOptions({})).to.include({ grace: 30_000, timeout: 5000 });
});

const FLOOD = 4_000_000;
/** What libuv brings in one read, as Node's own sockets use it. */
const ONE_READ = 65_536;

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const when of ['before', 'behind'] as const) {
      it(`unread: 'keep' holds the high-water mark and one read at most, of a peer that sends on ${when} our alert, ${version} as ${side}`, async () => {
        const { ours, forger, deliver, destroy } = await FORGED['TCP']!(version, side, watch);
        const flood = Buffer.concat(Array.from({ length: Math.ceil(FLOOD / 10_000) }, () => forger.sealData(Buffer.alloc(10_000))));
        if (when === 'before') deliver(flood);
        if (when === 'before') await turns(20);
        const answer = shutdown(ours, { bidirectional: true, timeout: 300 });
        await forger.untilOurAlert();
        if (when === 'behind') deliver(flood);
        const { error, unreadBytes } = await answer;
        expect(error?.code).to.equal('ERR_TLS_SHUTDOWN_TIMEOUT');
        expect(unreadBytes).to.be.within(ours.readableHighWaterMark, ours.readableHighWaterMark + ONE_READ);
        destroy();
      });
    }
  }
}
