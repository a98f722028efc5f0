/** What the page says is not asserted, or may be untrue: it is so, and the value is no 1 because of it. */
import { expect } from 'chai';
import { once } from 'node:events';
import { shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, makePair, turns } from '../support/pair.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    it(`'sent' is close_notify though no alert left, and the value is -1, behind an unnamed fatal alert and an end() before anybody watched, ${version} as ${side}`, async () => {
      const { ours, forger, deliver, destroy } = await FORGED['TCP']!(version, side, () => {});
      ours.on('error', () => {}).resume();
      const ended = once(ours, 'end');
      deliver(forger.sealAlert(2, 117));
      await turns(5); // the alert is read by itself
      deliver(Buffer.from([0x17]));
      await ended;
      if (!ours.writableEnded) ours.end();
      if (!ours.writableFinished) await once(ours, 'finish');
      const { value, state } = await shutdown(ours, { bidirectional: true, timeout: 100 });
      expect(value).to.equal(-1);
      expect(state).to.deep.equal({ sent: 'close_notify', received: 'unverified' });
      await forger.untilOurAlert();
      expect(forger.ourAlerts).to.deep.equal([]);
      destroy();
    });
  }

  it(`1 from a peer whose certificate does not hold, with rejectUnauthorized: false: the proof is of the keys, not of who has them, ${version}`, async () => {
    const { ours, peer } = await makePair({ version, side: 'client', early: watch });
    peer.resume().once('end', () => peer.end());
    expect(ours.authorized).to.equal(false);
    expect((await shutdown(ours.resume(), { bidirectional: true })).value).to.equal(1);
  });
}
