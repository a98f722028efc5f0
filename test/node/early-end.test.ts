/** An `end()` in a read callback, before anybody watches, swallows an alert that stands behind the data. That must not look like a clean end, nor like a cut. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, gracefulShutdown } from '../../src/index.js';
import { afterMore, complaintsOf } from '../support/alert-cells.js';
import { EARLY_ENDS, FOLLOWS, type EarlyEnd, type Follows } from '../support/early-end.js';
import { FORGED, type Forged } from '../support/forged.js';
import { SIDES, VERSIONS, type Side, type Version } from '../support/pair.js';

/** 117 is one that OpenSSL has no name for. */
const FATAL = [20, 40, 117];
/** What comes when the call has begun. */
const BEHIND = ['nothing', 'a byte', 'a FIN', 'data', 'close_notify'] as const;
const KINDS = ['TCP', 'a Unix socket', 'a Duplex', 'a greedy Duplex', 'TLS in TLS'];

interface Cell {
  readonly kind: string;
  readonly version: Version;
  readonly side: Side;
  readonly early: EarlyEnd;
  readonly follows: Follows;
  readonly behind: (typeof BEHIND)[number];
  /** `undefined`: none stands behind the data. */
  readonly alert: number | undefined;
}

/** The socket's first data comes, `end()` is called, and then we are. */
async function begin({ kind, version, side, early, follows, alert }: Cell, timeout: number): Promise<{ forged: Forged; called: Promise<[answer: Promise<number>]> }> {
  const forged = await FORGED[kind]!(version, side, () => {});
  const { ours, forger } = forged;
  ours.on('error', () => {});
  // In an array, or it would be awaited together with the other.
  const called = new Promise<[Promise<number>]>((resolve) => {
    let ended = false;
    EARLY_ENDS[early](ours, () => {
      forged.onData();
      if (ended) return;
      ended = true;
      ours.end();
      FOLLOWS[follows](() => resolve([gracefulShutdown(ours, { bidirectional: true, timeout })]));
    });
  });
  forged.deliver(Buffer.concat([forger.sealData('data'), ...(alert === undefined ? [] : [forger.sealAlert(2, alert)])]));
  return { forged, called };
}

async function attack(cell: Cell): Promise<string | undefined> {
  const { forged, called } = await begin(cell, 50);
  const { ours, forger } = forged;
  try {
    const [answer] = await called;
    if (cell.behind === 'a byte') forged.deliver(Buffer.from([0x17]));
    if (cell.behind === 'data') forged.deliver(forger.sealData('more'));
    if (cell.behind === 'close_notify') forged.deliver(forger.sealAlert(1, 0));
    if (cell.behind === 'a FIN') forged.fin();
    const value = await answer;
    const { received } = getShutdown(ours);
    const later = await afterMore(forged);
    const seen = [received, getShutdown(ours).received];
    if (value === -1 && later === -1 && !seen.includes('close_notify') && !seen.includes('fin')) return undefined;
    return `${value}, then ${later}, ${seen.join(', then ')}: ${JSON.stringify(cell)}`;
  } finally {
    forged.destroy();
  }
}

/** Nothing stands behind the data; the peer answers our alert in a later turn. */
async function harmless(cell: Cell): Promise<string | undefined> {
  const { forged, called } = await begin(cell, 5000);
  try {
    const [answer] = await called;
    await forged.forger.untilOurAlert();
    if (!forged.ours.writableFinished) await once(forged.ours, 'finish'); // the end of `for await` destroys the socket
    forged.deliver(forged.forger.sealAlert(1, 0));
    const value = await answer;
    const { received } = getShutdown(forged.ours);
    return value === 1 && received === 'close_notify' ? undefined : `${value}, ${received}: ${JSON.stringify(cell)}`;
  } finally {
    forged.destroy();
  }
}

const keys = <T extends object>(object: T): (keyof T)[] => Object.keys(object) as (keyof T)[];

describe('an early end()', () => {
  for (const version of VERSIONS) {
    for (const side of SIDES) {
      let turn = 0;
      for (const kind of KINDS) {
        const calls = keys(EARLY_ENDS).flatMap((early) => keys(FOLLOWS).map((follows) => ({ kind, version, side, early, follows })));

        it(`-1, and neither clean nor cut, where it swallowed a fatal alert over ${kind}, ${version} as ${side}`, async () => {
          // All of them over TCP, elsewhere one alert for each.
          const alerts = kind === 'TCP' ? FATAL : [undefined];
          const cells = calls.flatMap((call) => alerts.map((alert) => ({ ...call, alert: alert ?? FATAL[turn % 3]!, behind: BEHIND[turn++ % 5]! })));
          expect(await complaintsOf(cells, attack)).to.equal('');
        });

        it(`1 where it swallowed nothing and the peer answers over ${kind}, ${version} as ${side}`, async () => {
          expect(await complaintsOf(calls.map((call) => ({ ...call, alert: undefined, behind: 'nothing' as const })), harmless)).to.equal('');
        });

        for (const bidirectional of [true, false]) {
          it(`1 after end() outside of any read callback and a call ${bidirectional ? 'for both steps' : 'for each step'}, over ${kind}, ${version} as ${side}`, async () => {
            const { ours, forger, deliver, destroy } = await FORGED[kind]!(version, side, () => {});
            ours.resume().end();
            const call = gracefulShutdown(ours, { bidirectional });
            await forger.untilOurAlert();
            if (!bidirectional) expect(await call).to.equal(0);
            const both = bidirectional ? call : gracefulShutdown(ours);
            deliver(forger.sealAlert(1, 0));
            expect(await both).to.equal(1);
            expect(getShutdown(ours).received).to.equal('close_notify');
            destroy();
          });
        }
      }
    }
  }
});
