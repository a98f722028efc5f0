/**
 * Of all alerts only close_notify ends in 1, whatever comes behind it, and whenever. This is the short form, with records that a forger has sealed;
 * interop/gnutls-alerts.test.ts has all 512 alerts of another TLS implementation.
 */
import { expect } from 'chai';
import { BEHIND, CALLS, WHEN, complaints, meaning, type Cell } from '../support/alert-cells.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, type Side, type Version } from '../support/pair.js';
import { chance } from '../support/random.js';

/** OpenSSL has no name for 1, 77, 117, 121 and 255. 90 is user_canceled, 100 no_renegotiation. */
const DESCRIPTIONS = [0, 1, 10, 20, 21, 40, 77, 80, 90, 100, 117, 120, 121, 255];
const LEVELS = [1, 2];
const PADDINGS = [0, 0, 1, 200, 16_000];
/** Header, payload and tag, in both versions at least. */
const SHORTEST_RECORD = 24;
const SAMPLE = 20;

type Choice = Pick<Cell, 'kind' | 'version' | 'side'>;

function callsOver(kind: string): readonly Cell['call'][] {
  return CALLS.filter((call) => call !== 'unwrap' || kind.startsWith('wrap()'));
}

function sample({ kind, version, side }: Choice, seed: number): Cell[] {
  const random = chance(seed);
  return Array.from({ length: SAMPLE }, () => ({
    kind,
    version,
    side,
    level: random() < 0.1 ? 3 : random.pick(LEVELS),
    description: random.pick(DESCRIPTIONS),
    when: random.pick(WHEN),
    behind: random.pick(BEHIND),
    call: random.pick(callsOver(kind)),
    glued: random() < 0.5,
    data: kind === 'a greedy Duplex' || random() < 0.5,
    first: 1 + random.below(SHORTEST_RECORD - 1),
    padding: random.pick(PADDINGS),
    update: random() < 0.2,
  }));
}

/** Over TCP: what OpenSSL has no name for, at every moment, with anything behind it. */
function unnamed(version: Version, side: Side): Cell[] {
  const base = { kind: 'TCP', version, side, level: 2, description: 117, call: 'both steps', first: 5, padding: 0, update: false } as const;
  return WHEN.flatMap((when) => BEHIND.flatMap((behind) => [true, false].map((glued) => ({ ...base, when, behind, glued, data: glued }))));
}

function real({ kind, version, side }: Choice): Cell[] {
  const base = { kind, version, side, level: 1, description: 0, first: 6, padding: 0, update: false };
  const calls = callsOver(kind).filter((call) => call !== 'late' && call !== 'unwatched');
  return WHEN.flatMap((when) => calls.flatMap((call) => (['nothing', 'a FIN'] as const).map((behind) => ({ ...base, when, call, behind, glued: true, data: behind === 'nothing' }))));
}

describe('the table of alerts', () => {
  let seed = 0;
  for (const version of VERSIONS) {
    for (const side of SIDES) {
      it(`-1 at a fatal alert that OpenSSL has no name for, whatever comes behind it and whenever, ${version} as ${side}`, async () => {
        expect(await complaints(unnamed(version, side))).to.equal('');
      });

      for (const kind of Object.keys(FORGED)) {
        const cells = sample({ kind, version, side }, seed++);
        it(`1 at close_notify and -1 at any other alert over ${kind}, ${version} as ${side}`, async () => {
          expect(cells.some((cell) => meaning(cell) === 'fatal')).to.equal(true);
          expect(await complaints([...real({ kind, version, side }), ...cells])).to.equal('');
        });
      }
    }
  }
});
