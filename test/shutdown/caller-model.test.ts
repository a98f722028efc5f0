/** The model of the caller, and its judges themselves. `npm run fuzz:caller` plays many more sequences. */
import { expect } from 'chai';
import { Thrown } from '../../scripts/caller-fuzz/caller.js';
import { broken } from '../../scripts/caller-fuzz/laws.js';
import { play, type Played } from '../../scripts/caller-fuzz/play.js';
import { planOf, type CallPlan, type Plan, type Step } from '../../scripts/caller-fuzz/plan.js';
import { compare } from '../../scripts/caller-fuzz/twin.js';

const BOTH: CallPlan = { how: 'shutdown', bidirectional: true, quiet: false, timeout: 400, unread: 'keep', abort: 'never' };
const step = (action: Step['action'], n = 0): Step => ({ moment: 'turns later', action, n });
const PLAIN: Plan = {
  seed: 1,
  kind: 'TCP',
  version: 'TLSv1.3',
  side: 'client',
  watched: 'early',
  steps: [step('listen'), step('write', 3001), { ...step('call'), call: BOTH }],
  peerWrites: [3000, 100],
  peerEnds: 'answers',
  peerKeepsOpen: false,
  path: [],
};

/** What listeners of the caller throw is what the sequence is about, and not for mocha to hear. */
async function withThrows<T>(work: () => Promise<T>): Promise<T> {
  const others = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  const hear: NodeJS.UncaughtExceptionListener = (error, origin) => {
    if (error instanceof Thrown) error.caller.uncaught++;
    else for (const other of others) other.call(process, error, origin);
  };
  for (const other of others) process.off('uncaughtException', other);
  process.on('uncaughtException', hear);
  try {
    return await work();
  } finally {
    process.off('uncaughtException', hear);
    for (const other of others) process.on('uncaughtException', other);
  }
}

async function wrongOf(plan: Plan): Promise<string[]> {
  const played = await play(plan);
  return [...broken(played), ...(await compare(played)).wrong];
}

describe('the model of the caller', () => {
  for (let seed = 0; seed < 60; seed += 10) {
    it(`finds nothing wrong with the sequences ${seed} to ${seed + 9}`, async () => {
      const wrong = await withThrows(() => Promise.all(Array.from({ length: 10 }, (_, i) => wrongOf(planOf(seed + i)))));
      expect(wrong.flat()).to.deep.equal([]);
    });
  }

  it('finds nothing wrong with a plain one', async () => {
    expect(await wrongOf(PLAIN)).to.deep.equal([]);
  });

  const LIES: Readonly<Record<string, { plan?: Partial<Plan>; lie(played: Played): void; found: string }>> = {
    'a 1 without the alert of the peer': {
      plan: { peerEnds: 'never', steps: [{ ...step('call'), call: { ...BOTH, timeout: 15 } }] },
      lie: ({ caller }) => Object.assign(caller.calls[0]!.settled!, { value: 1, code: undefined }),
      found: "1, and the peer's alert had not crossed",
    },
    'a timeout though both alerts crossed': {
      lie: ({ caller }) => Object.assign(caller.calls[0]!.settled!, { value: -1, code: 'ERR_TLS_SHUTDOWN_TIMEOUT', at: performance.now() }),
      found: 'ERR_TLS_SHUTDOWN_TIMEOUT, and the tables say 1',
    },
    'a call that never settled': { lie: ({ caller }) => (caller.calls[0]!.settled = undefined), found: 'never settled' },
    'a verdict that changes': { lie: ({ caller }) => caller.states.push({ sent: 'open', received: 'fin' }), found: 'received was close_notify, and then fin' },
    'a byte that is lost': { lie: ({ caller }) => caller.reader.pieces.pop(), found: 'what came was not all read' },
    'a byte that is invented': { lie: ({ caller }) => caller.reader.pieces.push(Buffer.from('x')), found: 'it read what did not come so' },
    'bytes in another order': { lie: ({ caller }) => caller.reader.pieces.splice(0, 9, Buffer.concat(caller.reader.pieces as Buffer[]).reverse()), found: 'it read what did not come so' },
    'a listener that is left': { lie: (played) => (played.listenersOfOurs as string[]).push('tlsShutdownOnError'), found: 'listeners are left' },
    'a method that is not as it was': {
      plan: { steps: [...PLAIN.steps, step('replace', 1)] },
      lie: (played) => (played.displaced as string[]).push('end'),
      found: 'not as the caller had put it',
    },
    "an 'end' that plain Node does not emit": { lie: (played) => Object.assign(played.story, { end: 2 }), found: 'heard {"end":2' },
    'a replaced method that plain Node calls': {
      plan: { steps: [step('replace', 1), ...PLAIN.steps] },
      lie: ({ caller }) => (caller.replaced[0]!.calls = 0),
      found: 'only  called',
    },
    'a throw that nobody heard of': { lie: ({ caller }) => caller.thrown++, found: '1 errors thrown were not heard of' },
  };

  for (const [title, { plan, lie, found }] of Object.entries(LIES)) {
    it(`finds ${title}`, async () => {
      const played = await play({ ...PLAIN, ...plan });
      expect([...broken(played), ...(await compare(played)).wrong]).to.deep.equal([]);
      lie(played);
      expect([...broken(played), ...(await compare(played)).wrong].join('\n')).to.include(found);
    });
  }
});
