/** Over a Duplex OpenSSL may still want to write when the transport is being ended quietly: an alert, say, about what somebody on the path has put in. */
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

/** The Duplex's own `_final`, held until the test lets it go. */
function holdFinal(duplex: Duplex): { begun: Promise<void>; go(): void } {
  let release = (): void => {};
  const begun = new Promise<void>((resolve) => {
    const { _final } = duplex;
    duplex._final = (callback) => {
      release = () => _final.call(duplex, callback);
      resolve();
    };
  });
  return { begun, go: () => release() };
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const kind of ['a Duplex', 'wrap() of a Duplex']) {
      describe(`quiet, ${version} as ${side} over ${kind}`, () => {
        it('ends in 1 and throws nothing, if garbage comes while the transport is being ended', async () => {
          const { ours, forger, transport, deliver } = await FORGED[kind]!(version, side, watch);
          const duplex = transport ?? (ours as unknown as { _handle: { _parentWrap: { stream: Duplex } } })._handle._parentWrap.stream;
          const { begun, go } = holdFinal(duplex);
          ours.write('before');
          const result = gracefulShutdown(ours, { quiet: true, timeout: 100 });
          await begun;
          deliver(Buffer.from([23, 3, 3, 0, 20, ...Buffer.alloc(20)]));
          await turns(5);
          expect(getShutdown(ours).received).to.equal('error');
          expect(duplex.destroyed).to.equal(false);
          go();
          expect(await result).to.equal(1);
          expect(forger.ourAlerts).to.deep.equal([]);
        });
      });
    }
  }
}
