/** A peer that sends behind our alert as quickly as it can, in place of its own. What that costs in full is in docs/measured.md. */
import { expect } from 'chai';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

/** OpenSSL refuses it: that is an error of ours, and Node goes on to read. */
const BROKEN_RECORD = Buffer.from([0x17, 3, 3, 0, 40, ...Buffer.alloc(40)]);

const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`a flood behind our alert, ${version} as ${side}`, () => {
      it('is fed in large pieces once TLS has failed: what comes then costs no more than without us', async () => {
        const forged = await FORGED['TCP']!(version, side, watch);
        const { ours, forger } = forged;
        const answer = shutdown(ours, { bidirectional: true, unread: 'discard' });
        await forger.untilOurAlert();
        const pieces = piecesFedTo(ours);
        forged.deliver(BROKEN_RECORD);
        expect((await answer).error?.code).to.equal('ERR_TLS_SHUTDOWN_PROTOCOL');
        const before = pieces.length;
        forged.deliver(Buffer.alloc(1_000_000, 0x17));
        while (sum(pieces.slice(before)) < 1_000_000 && !ours.destroyed) await turns();
        expect(ours.destroyed).to.equal(false);
        expect(pieces.length - before).to.be.lessThan(500);
        expect(getShutdown(ours).received).to.equal('error');
        forged.destroy();
      });

      it('holds the time limit, keeps nothing, and lets others have their turn between 512 KB', async () => {
        const forged = await FORGED['TCP']!(version, side, watch);
        const { ours, forger } = forged;
        const flood = Buffer.concat(Array.from({ length: 8000 }, () => forger.sealData('x'.repeat(100))));
        const answer = shutdown(ours, { bidirectional: true, unread: 'discard', timeout: 300 });
        await forger.untilOurAlert();
        const pieces = piecesFedTo(ours);
        let mostInTurn = 0;
        let over = false;
        const look = (): void => {
          mostInTurn = Math.max(mostInTurn, sum(pieces.splice(0)));
          if (!over) setImmediate(look);
        };
        look();
        forged.deliver(flood);
        const { value, error, unreadBytes } = await answer;
        over = true;
        expect([value, error?.code, unreadBytes]).to.deep.equal([-1, 'ERR_TLS_SHUTDOWN_TIMEOUT', 0]);
        expect(mostInTurn).to.be.within(10_000, 32 * 16_384);
        forged.destroy();
      });
    });
  }
}

/** The length of each piece that the TLS layer is given from now on; undocumented. */
function piecesFedTo(socket: object): number[] {
  const { _handle: handle } = socket as { _handle: { receive(bytes: Buffer): void } };
  const { receive } = handle;
  const pieces: number[] = [];
  handle.receive = (bytes) => {
    pieces.push(bytes.length);
    receive.call(handle, bytes);
  };
  return pieces;
}
