/** Node destroys a TLS socket when the Duplex under it has closed. Over `wrap` that must not come before everything is read. */
import { expect } from 'chai';
import { shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, closed, readAll, turns } from '../support/pair.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const kind of ['wrap() of a net.Socket', 'wrap() of a Duplex']) {
      it(`wrap: what nobody has read yet is still there when the peer has cut the stream behind our alert, ${version} as ${side}, ${kind}`, async () => {
        const { ours, forger, transport, deliver, fin } = await FORGED[kind]!(version, side, watch);
        ours.on('error', () => {});
        deliver(forger.sealData('unread'));
        const result = shutdown(ours, { bidirectional: true });
        await forger.untilOurAlert();
        fin();
        expect((await result).error?.code).to.equal('ERR_TLS_SHUTDOWN_TRUNCATED');
        await turns(10);
        expect(ours.destroyed).to.equal(false);
        const gone = closed(ours);
        expect(String(await readAll(ours))).to.equal('unread');
        await gone;
        expect(transport!.destroyed).to.equal(true);
      });
    }
  }
}
