/** An early `end()` in a read callback also ends the outer layer of TLS in TLS there, which drops what else had come. The inner layer is not cut by the peer then. */
import { expect } from 'chai';
import { getShutdown, gracefulShutdown } from '../../src/index.js';
import { EARLY_ENDS, FOLLOWS, type EarlyEnd, type Follows } from '../support/early-end.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const early of Object.keys(EARLY_ENDS) as EarlyEnd[]) {
      it(`is no FIN over TLS in TLS where end() came ${early}, and the peer ended cleanly, ${version} as ${side}`, async () => {
        for (const follows of Object.keys(FOLLOWS) as Follows[]) {
          const forged = await FORGED['TLS in TLS']!(version, side, () => {});
          const { ours, forger } = forged;
          ours.on('error', () => {});
          const answer = new Promise<number>((resolve) => {
            EARLY_ENDS[early](ours, () => {
              if (ours.writableEnded) return;
              ours.end();
              FOLLOWS[follows](() => resolve(gracefulShutdown(ours, { bidirectional: true, timeout: 100 })));
            });
          });
          const records = [forger.sealData(Buffer.alloc(9000)), forger.sealData(Buffer.alloc(12_000)), forger.sealData(Buffer.alloc(12_000)), forger.sealAlert(1, 0)];
          forged.deliver(Buffer.concat(records));
          forged.fin();
          await answer;
          await turns(6);
          expect(getShutdown(ours).received, follows).not.to.equal('fin');
          forged.destroy();
        }
      });
    }
  }
}
