/** What `getShutdown` says is true, also where the answer is -1 anyway. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, makePair, turns } from '../support/pair.js';
import { TRANSPORTS } from '../support/transports.js';

const USER_CANCELED = 90;
const HIDES = !process.versions.openssl.startsWith('3.0');

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`right words, ${version} as ${side}`, () => {
      for (const watched of [true, false]) {
        for (const data of [0, 100]) {
          for (const before of [true, false]) {
            // libuv reports an end where data came in the same poll as the reset, and what our alert's write has met is not reported again.
            it(`a reset is an error, not a FIN: ${before ? 'before' : 'behind'} our alert, with ${data} bytes, ${watched ? 'watched' : 'not watched'}`, async () => {
              for (let i = 0; i < 10; i++) {
                const { ours, peer, relay, toUs } = await makePair({ version, side, ...(watched ? { early: watch } : {}) });
                ours.resume();
                if (data > 0) peer.write(Buffer.alloc(data));
                if (before) relay.resetNow(toUs);
                const answer = shutdown(ours, { bidirectional: true });
                if (!before) setImmediate(() => relay.resetNow(toUs));
                const { error, state } = await answer;
                expect(error?.code).to.equal('ERR_TLS_SHUTDOWN_TRANSPORT');
                expect(state.received).to.equal('error');
              }
            });
          }
        }
      }

      it('an alert is lost, not sent, where a TLS error came before somebody ended the socket and nobody watched', async () => {
        const { ours, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        ours.on('error', () => {}).resume();
        relay.inject(toUs, Buffer.from('this is not TLS at all'));
        await once(ours, 'error');
        if (!ours.destroyed) ours.end();
        await turns();
        expect((await shutdown(ours)).error?.code).to.equal('ERR_TLS_SHUTDOWN_PROTOCOL');
        expect(getShutdown(ours).received).to.equal('error');
        expect(getShutdown(ours).sent).not.to.equal('close_notify');
      });

      for (const [when, early] of [['right behind data, whose callback makes the first call', true], ['turns before the first call', false]] as const) {
        for (const fin of ['before our alert', 'behind it'] as const) {
          it(`a close_notify that OpenSSL hides is no FIN: it came ${when}, the FIN ${fin}`, async () => {
            const { ours, forger, deliver, fin: end } = await FORGED['TCP']!(version, side, () => {});
            ours.on('error', () => {});
            const pieces = [forger.sealData('data'), forger.sealAlert(1, USER_CANCELED), forger.sealAlert(1, 0)];
            const answer = new Promise<Awaited<ReturnType<typeof shutdown>>>((resolve) => {
              ours.once('data', () => void (early ? resolve(shutdown(ours, { bidirectional: true })) : setImmediate(() => setImmediate(() => resolve(shutdown(ours, { bidirectional: true }))))));
            });
            deliver(Buffer.concat(pieces));
            if (fin === 'before our alert') end();
            else void forger.untilOurAlert().then(end);
            const { value, state } = await answer;
            expect(state.received).not.to.equal('fin');
            if (version === 'TLSv1.3' && HIDES) expect(value).to.equal(-1);
          });
        }
      }

      it('a FIN behind our alert is a FIN, though nobody watched before', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side });
        peer.write('data');
        await once(ours, 'data');
        const answer = shutdown(ours, { bidirectional: true });
        await relay.until(() => relay.fins.length > 0);
        relay.fin(toUs);
        expect((await answer).state).to.deep.equal({ sent: 'close_notify', received: 'fin' });
      });
    });
  }

  for (const [ending, expected] of [['close', 'close_notify'], ['cut', 'fin']] as const) {
    it(`HTTP/2 can be judged once our alert is out: ${expected}, ${version}`, async () => {
      const pair = await TRANSPORTS['an HTTP/2 server']!(version, watch);
      pair.ours.on('error', () => {});
      const answer = shutdown(pair.ours, { bidirectional: true });
      pair.peer.resume();
      await once(pair.peer, 'end');
      pair[ending]();
      expect((await answer).state).to.deep.equal({ sent: 'close_notify', received: expected });
    });
  }
}

for (const watched of [true, false]) {
  for (const reason of ['a text', 1, Symbol('mine')]) {
    it(`what is no error may be given to destroy(): ${String(reason)}, ${watched ? 'watched' : 'not watched'}`, async () => {
      const { ours } = await makePair({ version: 'TLSv1.3', side: 'client', ...(watched ? { early: watch } : {}) });
      const gone = new Promise((resolve) => ours.on('error', () => {}).once('close', resolve));
      ours.destroy(reason as never);
      expect((await shutdown(ours)).value).to.equal(-1);
      expect(getShutdown(ours).sent).to.equal('open');
      await gone;
    });
  }
}
