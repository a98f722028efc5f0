/** Once a quiet end has begun there is no other: a call without `quiet` is NOT_SENT, so that 1 stays proof. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, getShutdownError, gracefulShutdown, shutdown, watch, type ReceivedState, type ShutdownOptions, type ShutdownResult } from '../../src/index.js';
import { SIDES, VERSIONS, makePair, type Pair } from '../support/pair.js';

const NOT_SENT = { code: 'ERR_TLS_SHUTDOWN_NOT_SENT', sslError: 'SSL_ERROR_SSL' };
const CALLS: ShutdownOptions[] = [{}, { bidirectional: true }, { timeout: 0 }, { unread: 'discard', timeout: Infinity }];

function expectNotSent({ value, error }: ShutdownResult): void {
  expect(value).to.equal(-1);
  expect(error).to.include(NOT_SENT);
}

/** How the peer answers the quiet end. */
const ANSWERS: Record<string, { answer: (pair: Pair) => unknown; received: ReceivedState[] }> = {
  'close_notify': { answer: ({ peer }) => peer.resume().once('end', () => peer.end()), received: ['close_notify'] },
  'a FIN': { answer: ({ relay, toUs }) => relay.fin(toUs), received: ['fin'] },
  // Node sends a FIN before the reset, and either may be seen first.
  'a reset': { answer: ({ relay, toUs }) => relay.reset(toUs), received: ['error', 'fin', 'open'] },
  'garbage': { answer: ({ relay, toUs }) => relay.inject(toUs, Buffer.from('garbage in place of a record')), received: ['error'] },
  'nothing': { answer: () => {}, received: ['open'] },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`after quiet, ${version} as ${side}`, () => {
      for (const [what, { answer, received }] of Object.entries(ANSWERS)) {
        it(`calls without quiet are NOT_SENT, and quiet ones 1, when the peer has answered by ${what}`, async () => {
          const pair = await makePair({ version, side });
          const { ours, relay } = pair;
          const quiet = shutdown(ours, { quiet: true, timeout: what === 'nothing' ? 30 : Infinity });
          await relay.until(() => relay.fins.length > 0);
          answer(pair);
          expect((await quiet).value).to.equal(1);
          for (const options of CALLS) {
            expectNotSent(await shutdown(ours, options));
            expect(getShutdownError(ours)).to.include(NOT_SENT);
            expect(await gracefulShutdown(ours, options)).to.equal(-1);
          }
          expect(await gracefulShutdown(ours, { quiet: true })).to.equal(1);
          expect(getShutdownError(ours)).to.equal(undefined);
          expect(getShutdown(ours).sent).to.equal('quiet');
          expect(getShutdown(ours).received).to.be.oneOf(received);
        });
      }

      it('calls without quiet are NOT_SENT at once while it flushes and while it lingers, and disturb nothing', async () => {
        const { ours, peer, relay, toPeer } = await makePair({ version, side });
        watch(peer);
        relay.stall(toPeer, true);
        ours.write(Buffer.alloc(20_000_000));
        const quiet = shutdown(ours, { quiet: true, timeout: Infinity });
        for (const options of CALLS) expectNotSent(await shutdown(ours, options));
        expect(getShutdown(ours).sent).to.equal('open');
        relay.stall(toPeer, false);
        let length = 0;
        peer.on('data', (chunk: Buffer) => (length += chunk.length));
        await once(peer, 'end');
        expect(length).to.equal(20_000_000);
        for (const options of CALLS) expectNotSent(await shutdown(ours, options));
        expect(ours.destroyed).to.equal(false);
        peer.destroy();
        expect((await quiet).value).to.equal(1);
        expect(getShutdown(peer).received).to.equal('fin');
      });

      it('a call without quiet that waits for the verdict on the end of the peer is NOT_SENT, too', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        const { push } = watch(ours);
        const waiting = new Promise<ShutdownResult>((resolve) => {
          ours.push = function (this: typeof ours, chunk: unknown, encoding?: BufferEncoding): boolean {
            const more = push.call(this, chunk, encoding);
            if (chunk === null) resolve(shutdown(ours, { bidirectional: true }));
            return more;
          };
        });
        const quiet = gracefulShutdown(ours, { quiet: true });
        relay.fin(toUs);
        expectNotSent(await waiting);
        expect(await quiet).to.equal(1);
      });

      it('a reset before all is flushed is TRANSPORT to all calls', async () => {
        const { ours, relay, toPeer, toUs } = await makePair({ version, side });
        relay.stall(toPeer, true);
        ours.write(Buffer.alloc(20_000_000));
        const quiet = shutdown(ours, { quiet: true, timeout: Infinity });
        const error = once(ours, 'error');
        relay.resetNow(toUs);
        await error;
        for (const { value, error: reason } of [await quiet, await shutdown(ours), await shutdown(ours, { quiet: true })]) {
          expect(value).to.equal(-1);
          expect(reason?.code).to.equal('ERR_TLS_SHUTDOWN_TRANSPORT');
        }
      });
    });
  }
}
