/** What is said of a socket before anybody watches it, and what a call says then, is the same. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, gracefulShutdown, shutdown } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, turns } from '../support/pair.js';
import { uncaught } from '../support/uncaught.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`a socket that ended before anybody watched, ${version} as ${side}`, () => {
      it('has sent its alert when destroySoon() destroys it', async () => {
        const { ours, peer } = await makePair({ version, side });
        peer.resume();
        ours.destroySoon();
        const { value, state } = await shutdown(ours);
        expect(value).to.equal(0);
        expect(state).to.deep.equal({ sent: 'close_notify', received: 'open' });
        await turns();
        expect(getShutdown(ours)).to.deep.equal(state);
        expect((await shutdown(ours)).error?.code).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
      });

      it("had no error when the application destroyed it with one of its own, and an application's own is none of the connection", async () => {
        const { ours } = await makePair({ version, side });
        ours.on('error', () => {}).destroy(new Error('own'));
        await closed(ours);
        const before = getShutdown(ours);
        expect(before.received).to.equal('open');
        expect((await shutdown(ours)).state).to.deep.equal(before);
      });

      it('is unverified if its peer had ended, also where it was destroyed with data unsent', async () => {
        const { ours, peer, relay, toPeer } = await makePair({ version, side, allowHalfOpen: true });
        peer.end();
        await once(ours.resume(), 'end');
        relay.stall(toPeer, true);
        ours.end(Buffer.alloc(8_000_000));
        await turns();
        ours.destroy();
        const before = getShutdown(ours);
        expect(before.received).to.equal('unverified');
        const { state, error } = await shutdown(ours);
        expect(state.received).to.equal('unverified');
        expect(error?.code).to.equal('ERR_TLS_SHUTDOWN_UNVERIFIED');
      });

      it("answers a call, though a listener of the application's throws at 'finish'", async () => {
        const { ours, peer } = await makePair({ version, side });
        peer.resume().on('end', () => peer.end());
        const heard = uncaught(1);
        ours.resume().once('finish', () => {
          throw new Error('own');
        });
        ours.end();
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
        expect(String(await heard)).to.equal('Error: own');
      });

      it('keeps no listener of ours if it had closed with an error', async () => {
        const { ours } = await makePair({ version, side });
        ours.on('error', () => {}).destroy(new Error('own'));
        await closed(ours);
        const before = ours.eventNames().map((name) => [name, ours.listenerCount(name)]);
        await shutdown(ours);
        await turns();
        expect(ours.eventNames().map((name) => [name, ours.listenerCount(name)])).to.deep.equal(before);
      });
    });
  }
}
