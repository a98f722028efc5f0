/** A wrapped transport with methods of the application's own, which fail: `unwrap` still rejects as it should, and nothing stays open. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { TlsShutdownError, unwrap } from '../../src/index.js';
import { keptTimers } from '../support/kept-timers.js';
import { turns, untrack } from '../support/pair.js';
import { codeOf, describeCases, gone, wrappedPair } from '../support/wrapped.js';

const reason = new Error('own');

/** Nor can the hook call them. */
function failing(stream: Duplex, ...methods: ('destroy' | 'pause')[]): void {
  untrack(stream);
  for (const method of methods) {
    stream[method] = () => {
      throw reason;
    };
  }
}

describeCases('unwrap, own methods', (of) => {
  for (const whose of ['transport', 'ours'] as const) {
    it(`rejects with the TlsShutdownError, and both are destroyed, when the destroy() of ${whose === 'ours' ? 'the TLS socket' : 'the transport'} throws`, async () => {
      const pair = await wrappedPair(of);
      failing(pair[whose], 'destroy');
      const heard: unknown[] = [];
      pair[whose].on('error', (error) => heard.push(error));
      expect(await codeOf(unwrap(pair.ours, { timeout: 0 }))).to.equal('ERR_TLS_SHUTDOWN_TIMEOUT');
      await Promise.all([gone(pair.transport), gone(pair.ours)]);
      await turns(1); // closed, but perhaps not told yet
      expect(heard).to.deep.equal([reason]);
    });
  }

  it('destroys an aborted one after 5 s all the same', async () => {
    const { ours, transport } = await wrappedPair(of);
    failing(transport, 'destroy');
    failing(ours, 'destroy');
    ours.on('error', () => {});
    const controller = new AbortController();
    const timers = await keptTimers(async () => {
      const code = codeOf(unwrap(ours, { signal: controller.signal }));
      await once(ours, 'finish');
      controller.abort();
      expect(await code).to.equal('ABORT_ERR');
    });
    clearTimeout(timers[0]!.timeout);
    timers[0]!.run();
    await Promise.all([gone(transport), gone(ours)]);
  });

  it('rejects with CLOSED and what was thrown, and both are destroyed, when the transport refuses to be paused for its next reader', async () => {
    const { ours, peer, transport } = await wrappedPair(of);
    const theirs = unwrap(peer, { unread: 'discard' });
    theirs.catch(() => {});
    await once(peer, 'finish');
    const { pause } = transport;
    let calls = 0;
    transport.pause = function (this: Duplex) {
      if (this.listenerCount('data') === 0 || calls++ > 100) throw reason; // ours is off already
      return pause.call(this);
    };
    untrack(transport);
    transport.on('error', () => {});
    const error = (await unwrap(ours).catch((thrown: unknown) => thrown)) as TlsShutdownError;
    expect(error).to.be.instanceOf(TlsShutdownError).with.property('code', 'ERR_TLS_SHUTDOWN_CLOSED');
    expect(error.cause).to.equal(reason);
    await Promise.all([gone(transport), gone(ours)]);
  });
});
