/** The fault proxy and its judge themselves. `npm run fuzz:fault` plays many more plans. */
import { expect } from 'chai';
import type { Answer } from '../support/fault-call.js';
import { judge } from '../support/fault-oracle.js';
import { planOf, type Plan } from '../support/fault-plan.js';
import { play, type Played } from '../support/fault-run.js';
import { OPS, isHarmless, type Fault, type Op } from '../support/faults.js';
import { VERSIONS } from '../support/pair.js';

const PLAIN: Plan = {
  seed: 1,
  kind: 'TCP',
  version: 'TLSv1.3',
  side: 'client',
  watched: 'early',
  call: 'bidirectional',
  when: 'first',
  reader: 'flowing',
  unread: 'keep',
  timeout: 3000,
  writes: [100, 20_000],
  peerWrites: [20_000, 100],
  peerEnds: 'answers',
  peerKeepsOpen: false,
  faults: [],
};
const towardsUs = (op: Op, at: Fault['at'], n = 0): Fault => ({ lane: 'toUs', op, at, n });

/** The same run, with another answer and other states. */
function lie(played: Played, answer: Partial<Answer>, state: Partial<Played['state']>): Played {
  const { answers, ...application } = played.application;
  const told = { ...application, answers: answers.map((each) => ({ ...each, ...answer })) };
  return { ...played, application: told as unknown as Played['application'], state: { ...played.state, ...state } };
}

describe('faults on the path', () => {
  for (const version of VERSIONS) {
    it(`both alerts cross, and the answer is 1, with none, ${version}`, async () => {
      expect(judge(await play({ ...PLAIN, version }))).to.deep.equal({ wrong: [], row: 'both alerts crossed', column: '1' });
    });

    for (const op of OPS.filter((each) => isHarmless(towardsUs(each, 0)))) {
      it(`change nothing: ${op}, ${version}`, async () => {
        const faults = [towardsUs(op, 0, 77), towardsUs(op, 'alert', 3)];
        expect(judge(await play({ ...PLAIN, version, faults }))).to.deep.equal({ wrong: [], row: 'both alerts crossed', column: '1' });
      });
    }

    for (const op of OPS.filter((each) => !isHarmless(towardsUs(each, 0)) && each !== 'inject back')) {
      it(`are told truly: ${op}, ${version}`, async () => {
        const played = await play({ ...PLAIN, version, timeout: 60, faults: [towardsUs(op, 1, 5)] });
        expect(judge(played)).to.deep.include({ wrong: [], row: 'not both crossed' });
      });
    }

    it(`are judged by what crossed: a lie about a cut is seen, ${version}`, async () => {
      const played = await play({ ...PLAIN, version, timeout: 60, faults: [towardsUs('cut', 'alert')] });
      expect(judge(played).wrong).to.deep.equal([]);
      expect(judge(lie(played, { value: 1, code: undefined }, { received: 'close_notify' })).wrong).to.deep.equal([
        'received is close_notify, and the alert did not cross',
        "1, and the peer's alert had not crossed",
      ]);
    });

    it(`are judged by what crossed: a lie about a clean end is seen, ${version}`, async () => {
      const played = await play({ ...PLAIN, version });
      const wrong = judge(lie(played, { value: -1, code: 'ERR_TLS_SHUTDOWN_TRUNCATED' }, { received: 'fin' })).wrong;
      expect(wrong).to.include('received is fin, and the alert crossed');
      expect(wrong).to.include('-1 with ERR_TLS_SHUTDOWN_TRUNCATED, for no reason');
    });
  }

  it('are told truly in the first plans of the fuzzer', async () => {
    for (let seed = 1; seed <= 40; seed++) expect(judge(await play(planOf(seed))).wrong, `seed ${seed}`).to.deep.equal([]);
  });
});
