/** On a Node one of whose undocumented fields is gone or changed, nothing is lost, no verdict is guessed, and one warning names the field. */
import { expect } from 'chai';
import { ASKED } from '../../src/node/canary.js';
import { runWithout } from '../support/run-without.js';

/** Where the table says that a drain may count a connection as failed. */
const MAY_FAIL = ['net.Socket.prototype._final', "the socket's own destroy, which destroySoon() has listen to 'finish'"];

for (const field of ASKED) {
  for (const change of ['missing', 'changed'] as const) {
    it(`nothing is lost and nothing guessed, and one warning tells it: ${field} is ${change}`, async () => {
      const { wrong, warnings } = await runWithout(field, change);
      expect(wrong.filter((line) => !(line.startsWith('drain:') && MAY_FAIL.includes(field)))).to.deep.equal([]);
      // That a property is there, though nobody has set it yet, can't be hidden.
      if (field === '_parent.onread' && change === 'missing') return;
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/^TlsGracefulShutdownWarning: /).and.to.include(` ${field} of Node ${process.version} `);
    });
  }
}
