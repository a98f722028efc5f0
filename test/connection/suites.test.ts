/**
 * Cipher suites whose records have another length than the common ones: CBC pads, and has its MAC in or behind the ciphertext; a tag of CCM_8 has 8 bytes.
 * With small fragments most records are alike. What is told of the end must not depend on any of that. (RFC 5246 section 6.2.3, RFC 7366, RFC 6655, RFC 8449)
 */
import { expect } from 'chai';
import { complaints, type Cell } from '../support/alert-cells.js';
import { judge, type Judgement } from '../support/fault-oracle.js';
import type { Plan } from '../support/fault-plan.js';
import { play } from '../support/fault-run.js';
import type { Fault } from '../support/faults.js';
import { SIDES } from '../support/pair.js';
import { SUITES } from '../support/suites.js';

const NONE: Omit<Plan, 'suite' | 'version' | 'side'> = {
  seed: 1,
  kind: 'TCP',
  watched: 'early',
  call: 'bidirectional',
  when: 'first',
  reader: 'flowing',
  unread: 'keep',
  timeout: 5000,
  writes: [1, 20_000],
  peerWrites: [20_000, 15, 16, 17],
  peerEnds: 'answers',
  peerKeepsOpen: false,
  faults: [],
};

/** Ways to a 1. */
const CLEAN: Readonly<Record<string, Partial<Plan>>> = {
  'both steps': {},
  'one step, twice': { call: 'one step, twice', resumed: true },
  'the peer ends first': { peerEnds: 'first', when: 'last' },
  'end() in a read callback': { call: 'end() in data', fragment: 512 },
  'small fragments, read one by one': { reader: 'for await', peerEnds: 'first', fragment: 512, kind: 'a Unix socket' },
  'byte by byte': { faults: [{ lane: 'toUs', at: 3, op: 'window', n: 0 }] },
  'TLS in TLS': { kind: 'TLS in TLS', resumed: true },
  unwrap: { kind: 'wrap() of a net.Socket', call: 'unwrap', peerKeepsOpen: true, fragment: 512 },
};

/** The stream is cut: before the alert's record, within it, before its last byte, and within the data. */
const CUTS: readonly Fault[] = [
  { lane: 'toUs', at: 'alert', op: 'cut', n: 0 },
  { lane: 'toUs', at: 'alert', op: 'cut', n: 7 },
  { lane: 'toUs', at: 'alert', op: 'cut', n: 13 },
  { lane: 'toUs', at: 1, op: 'cut', n: 14 },
];

/** OpenSSL has a name for 40, handshake_failure, and none for 117. */
const FATAL = [40, 117] as const;

for (const [suite, { version }] of Object.entries(SUITES)) {
  for (const side of SIDES) {
    describe(`${suite}, ${version} as ${side}`, () => {
      const judged = async (of: Partial<Plan>): Promise<Judgement> => judge(await play({ ...NONE, suite, version, side, ...of }));

      it('1, and no byte is lost, however it is closed', async () => {
        for (const [name, of] of Object.entries(CLEAN)) {
          const column = of.call === 'unwrap' ? 'unwrapped' : '1';
          expect(await judged(of), name).to.deep.equal({ wrong: [], row: 'both alerts crossed', column });
        }
      });

      it('0 while the peer has not answered', async () => {
        const { wrong, column } = await judged({ call: 'one step, twice', peerEnds: 'never', timeout: 40 });
        expect([wrong, column]).to.deep.equal([[], 'ERR_TLS_SHUTDOWN_TIMEOUT']); // the second step
      });

      it('-1 at a forged FIN, wherever it cuts the stream, before and behind our alert', async () => {
        for (const fault of CUTS) {
          for (const peerEnds of ['first', 'answers'] as const) {
            const { wrong, row, column } = await judged({ faults: [fault], peerEnds, timeout: 1000 });
            expect([wrong, row], `${JSON.stringify(fault)} ${peerEnds}`).to.deep.equal([[], 'not both crossed']);
            expect(column).to.be.oneOf(['ERR_TLS_SHUTDOWN_TRUNCATED', 'ERR_TLS_SHUTDOWN_UNVERIFIED']);
          }
        }
      });

      it('-1 at a fatal alert, whatever comes behind it and whenever; 1 at close_notify', async () => {
        const cells = ['TCP', 'wrap() of a Duplex'].flatMap((kind) => {
          const base = { kind, version, suite, side, level: 2, first: 6, padding: 0, update: false, call: kind === 'TCP' ? 'both steps' : 'unwrap' } as const;
          const fatal = FATAL.flatMap((description) =>
            (['before', 'after', 'straddling'] as const).flatMap((when) => (['as long', 'a byte', 'data'] as const).map((behind): Cell => ({ ...base, description, when, behind, glued: true, data: false }))),
          );
          const real = (['before', 'after', 'straddling'] as const).map((when): Cell => ({ ...base, level: 1, description: 0, when, behind: 'nothing', glued: true, data: true }));
          // user_canceled: from OpenSSL 3.2 on the close_notify behind it is hidden, and only the ledger of bytes tells that there is room for it.
          const hidden: Cell = { ...base, level: 1, description: 90, when: 'before', behind: 'close_notify', glued: true, data: true };
          return [...fatal, ...real, hidden];
        });
        expect(await complaints(cells)).to.equal('');
      });
    });
  }
}
