/** An `unwrap` whose caller has stopped to wait: TLS ends all the same, and for 5 s another call can come for the transport. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, unwrap } from '../../src/index.js';
import { keptTimers, type Timer } from '../support/kept-timers.js';
import { turns } from '../support/pair.js';
import { codeOf, describeCases, gone, readBytes, talkPlain, wrappedPair, type WrappedPair } from '../support/wrapped.js';

type Moment = 'before our alert has left' | 'after our alert has left';
const MOMENTS: Moment[] = ['before our alert has left', 'after our alert has left'];

/** The timers that an `unwrap` leaves that is aborted at that moment. */
async function abortedUnwrap({ ours, relay, toPeer }: WrappedPair, moment: Moment, during: () => unknown = () => {}): Promise<Timer[]> {
  relay.mute(toPeer);
  const controller = new AbortController();
  return await keptTimers(async () => {
    const code = codeOf(unwrap(ours, { signal: controller.signal, timeout: Infinity }));
    if (moment.startsWith('after')) await once(ours, 'finish');
    controller.abort();
    expect(await code).to.equal('ABORT_ERR');
    await during();
  });
}

function run({ run, timeout }: Timer): void {
  clearTimeout(timeout);
  run();
}

describeCases('unwrap, aborted', (of) => {
  for (const moment of MOMENTS) {
    it(`leaves the transport open for 5 s, which do not keep the process alive, and destroys it then with the TLS socket, ${moment}`, async () => {
      const pair = await wrappedPair(of);
      const { ours, transport } = pair;
      const timers = await abortedUnwrap(pair, moment);
      expect(timers.map(({ timeout }) => timeout.hasRef())).to.deep.equal([false]);
      await turns(3);
      expect([transport.destroyed, ours.destroyed]).to.deep.equal([false, false]);
      run(timers[0]!);
      await Promise.all([gone(transport), gone(ours)]);
      expect(await codeOf(unwrap(ours))).to.equal('ERR_TLS_SHUTDOWN_CLOSED');
    });

    it(`lets our alert go out, and is called again with success, ${moment}`, async () => {
      const pair = await wrappedPair(of);
      const { ours, peer, transport, relay, toPeer } = pair;
      const theirs = unwrap(peer);
      const timers = await keptTimers(async () => {
        const controller = new AbortController();
        relay.stall(toPeer, true);
        const code = codeOf(unwrap(ours, { signal: controller.signal }));
        if (moment.startsWith('after')) await once(ours, 'finish');
        controller.abort();
        expect(await code).to.equal('ABORT_ERR');
        relay.stall(toPeer, false);
        const plainPeer = await theirs;
        const plain = await unwrap(ours);
        expect(plain).to.equal(transport);
        await talkPlain(plain, plainPeer);
      });
      expect(timers).to.deep.equal([]);
      expect(getShutdown(ours)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
    });

    it(`is given the transport also when TLS has ended meanwhile and its socket is freed, ${moment}`, async () => {
      const { ours, peer, transport } = await wrappedPair(of);
      const controller = new AbortController();
      const timers = await keptTimers(async () => {
        const theirs = unwrap(peer);
        const code = codeOf(unwrap(ours, { signal: controller.signal, unread: 'discard' }));
        if (moment.startsWith('after')) await once(ours, 'finish');
        controller.abort();
        expect(await code).to.be.oneOf(['ABORT_ERR', 'fulfilled']); // both alerts may be there already
        (await theirs).write('plain');
        await gone(ours.resume());
        const plain = await unwrap(ours);
        expect(plain).to.equal(transport);
        expect(String(await readBytes(plain, 5))).to.equal('plain');
      });
      expect(timers).to.deep.equal([]);
    });
  }

  it('is no matter to another unwrap that waits: the transport is not destroyed before that one is aborted, too', async () => {
    const pair = await wrappedPair(of);
    const other = new AbortController();
    const waiting = codeOf(unwrap(pair.ours, { signal: other.signal, timeout: Infinity }));
    expect(await abortedUnwrap(pair, 'after our alert has left')).to.deep.equal([]);
    const timers = await keptTimers(async () => {
      other.abort();
      expect(await waiting).to.equal('ABORT_ERR');
    });
    expect(timers.length).to.equal(1);
    run(timers[0]!);
    await Promise.all([gone(pair.transport), gone(pair.ours)]);
  });

  it('ends its 5 s when another unwrap comes, whose own abort begins them anew, and not by one with an aborted signal or a wrong option', async () => {
    const pair = await wrappedPair(of);
    const { ours, transport } = pair;
    const left = await keptTimers(async () => {
      const first = await abortedUnwrap(pair, 'after our alert has left', async () => {
        expect(await codeOf(unwrap(ours, { signal: AbortSignal.abort() }))).to.equal('ABORT_ERR');
        expect(await codeOf(unwrap(ours, { timeout: -1 }))).to.equal('ERR_OUT_OF_RANGE');
      });
      expect(first.length).to.equal(1);
      await abortedUnwrap(pair, 'before our alert has left');
    });
    expect(left.length).to.equal(1);
    run(left[0]!);
    await Promise.all([gone(transport), gone(ours)]);
  });
});
