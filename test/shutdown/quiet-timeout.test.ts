/** The time of a quiet call may run out at any point of it, in a busy process also between two turns that belong together. */
import { expect } from 'chai';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

const TIMEOUT = 5;

/** As a long computation of the application's does. */
function keepBusy(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const kind of ['TCP', 'a Duplex', 'wrap() of a Duplex', 'TLS in TLS']) {
      it(`quiet sends no alert, whenever its time runs out, ${version} as ${side} over ${kind}`, async () => {
        for (let turn = 0; turn < 10; turn++) {
          const { ours, forger, destroy } = await FORGED[kind]!(version, side, watch);
          ours.on('error', () => {});
          ours.write('one');
          ours.write('two');
          const result = gracefulShutdown(ours, { quiet: true, timeout: TIMEOUT });
          if (turn > 0) await turns(turn);
          keepBusy(TIMEOUT + 3);
          const value = await result;
          await turns(10);
          expect(forger.ourAlerts, `after ${turn} turns, and it answered ${value}`).to.deep.equal([]);
          if (value === 1) expect(getShutdown(ours).sent).to.equal('quiet');
          destroy();
        }
      });
    }
  }
}
