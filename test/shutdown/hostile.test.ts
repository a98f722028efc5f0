/** It never kills the process and leaves nothing behind. */
import { expect } from 'chai';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, certificate, closed, listen, makePair, readAll, track, turns } from '../support/pair.js';
import { uncaught } from '../support/uncaught.js';

function listenerCounts(socket: TLSSocket): Record<string, number> {
  return Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`hostile peers and callers, ${version} as ${side}`, () => {
      it('holds a late reset: no uncaught error, and listeners of others still hear it', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        expect(await gracefulShutdown(ours)).to.equal(0);
        const first = closed(ours);
        relay.reset(toUs);
        await first;
        const second = await makePair({ version, side });
        expect(await gracefulShutdown(second.ours)).to.equal(0);
        const heard = new Promise<NodeJS.ErrnoException>((resolve) => second.ours.once('error', resolve));
        second.relay.reset(second.toUs);
        expect((await heard).code).to.equal('ECONNRESET');
      });

      it('holds a late fatal alert and late garbage', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        expect(await gracefulShutdown(ours)).to.equal(0);
        relay.inject(toUs, Buffer.from('\x17\x03\x03\x00\x20 garbage in a record of type 23...'));
        const result = await shutdown(ours);
        expect(result.error?.code).to.equal('ERR_TLS_SHUTDOWN_PROTOCOL');
      });

      it('ignores data and resets after both alerts: 1 stays 1', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        relay.holdFin(toUs);
        ours.resume();
        peer.resume().end();
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
        relay.inject(toUs, Buffer.alloc(1000, 0x17));
        relay.reset(toUs);
        await turns(5);
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
      });

      it('leaves no listener but the held error, and none after the close', async () => {
        const { ours, peer } = await makePair({ version, side });
        ours.resume();
        const before = listenerCounts(ours);
        expect(await gracefulShutdown(ours)).to.equal(0);
        expect(await gracefulShutdown(ours, { timeout: 10 })).to.equal(-1);
        expect(listenerCounts(ours)).to.deep.equal({ ...before, error: (before['error'] ?? 0) + 1 });
        const gone = closed(ours);
        peer.resume().end();
        expect(await gracefulShutdown(ours)).to.equal(1);
        await gone;
        expect(ours.listenerCount('error')).to.equal(before['error'] ?? 0);
      });

      it('joins 50 concurrent calls, each with its own signal, timeout or none', async () => {
        const { ours, peer } = await makePair({ version, side });
        const controller = new AbortController();
        const calls = Array.from({ length: 50 }, (_, i) =>
          gracefulShutdown(ours, { bidirectional: true, ...(i % 3 === 0 ? { signal: controller.signal } : {}), timeout: i % 3 === 1 ? 20 : 5000 }).catch(
            (error: Error) => error.name,
          ),
        );
        for (let i = 1; i < 50; i += 3) expect(await calls[i]).to.equal(-1);
        controller.abort(new Error('why'));
        expect(await calls[0]).to.equal('AbortError');
        peer.resume().end();
        const values = await Promise.all(calls);
        expect(values.filter((value) => value === 1)).to.have.length(16);
        expect(values.filter((value) => value === -1)).to.have.length(17);
        expect(values.filter((value) => value === 'AbortError')).to.have.length(17);
      });

      it('rejects on abort with the reason, leaves the state, and a later call goes on', async () => {
        const { ours, peer } = await makePair({ version, side });
        const controller = new AbortController();
        const waiting = gracefulShutdown(ours, { bidirectional: true, signal: controller.signal });
        await once(peer.resume(), 'end');
        const reason = new Error('changed my mind');
        controller.abort(reason);
        const error = await waiting.then(() => undefined, (thrown: unknown) => thrown);
        expect(error).to.include({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
        expect(ours.destroyed).to.equal(false);
        peer.end();
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it('leaves the socket untouched when the signal is aborted before', async () => {
        const { ours, peer } = await makePair({ version, side });
        const before = { listeners: listenerCounts(ours), own: Reflect.ownKeys(ours).length };
        const error = await gracefulShutdown(ours, { signal: AbortSignal.abort() }).then(() => undefined, (thrown: Error) => thrown.name);
        expect(error).to.equal('AbortError');
        await turns();
        expect({ listeners: listenerCounts(ours), own: Reflect.ownKeys(ours).length }).to.deep.equal(before);
        ours.write('still open');
        const [chunk] = (await once(peer, 'data')) as [Buffer];
        expect(String(chunk)).to.equal('still open');
      });

      for (const reason of [undefined, new Error('enough')]) {
        const when = reason === undefined ? 'when it is destroyed after a 1' : 'when it is destroyed with an error, which is heard';
        it(`frees the socket ${when}`, async () => {
          const { ours, peer } = await makePair({ version, side });
          const before = ours.listenerCount('error'); // Node's own, on a server
          ours.write('unread');
          peer.resume().on('end', () => peer.end('unread'));
          expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1); // unread data keeps it open
          const heard: unknown[] = [];
          ours.on('error', (error) => heard.push(error)).on('close', (hadError) => heard.push(hadError));
          const gone = closed(ours);
          ours.destroy(reason).destroy(new Error('too late'));
          expect(ours.destroyed).to.equal(true);
          expect(ours.address()).to.deep.equal({}); // its handle is gone
          await gone;
          expect(ours.address()).to.deep.equal({});
          expect(heard).to.deep.equal(reason === undefined ? [false] : [reason, true]);
          expect(ours.listenerCount('error')).to.equal(before + 1); // the test's
          expect(await gracefulShutdown(ours)).to.equal(1);
        });
      }

      for (const hooks of [false, true]) it(`answers a call although a 'readable' listener throws at the end, which is heard${hooks ? ', with async hooks in use' : ''}`, async () => {
        const store = new AsyncLocalStorage();
        if (hooks) store.enterWith(true);
        const { ours, peer } = await makePair({ version, side });
        const thrown = new Error('of a listener');
        ours.on('readable', () => {
          throw thrown;
        });
        peer.resume().on('end', () => peer.end());
        const errors = uncaught(1);
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
        expect(await errors).to.deep.equal([thrown]);
        store.disable();
      });

      it("frees the socket although a 'removeListener' listener throws", async () => {
        const { ours, peer } = await makePair({ version, side });
        peer.resume().on('end', () => peer.end('unread'));
        expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1); // unread data keeps it open
        const thrown = new Error('of a listener');
        // Before ours, whose removal at 'close' is what throws.
        const end = new Promise<void>((resolve) => ours.prependListener('close', () => resolve()));
        ours.on('error', () => {}).on('removeListener', () => {
          throw thrown;
        });
        const errors = uncaught(1);
        ours.destroy();
        expect(await errors).to.deep.equal([thrown]);
        await end;
        ours.off('removeListener', ours.listeners('removeListener')[0] as () => void);
      });

      it('lets the application destroy at any time: before, during and after', async () => {
        for (const when of ['before', 'in the turn', 'after']) {
          const { ours } = await makePair({ version, side });
          if (when === 'before') ours.destroy();
          const result = shutdown(ours, { timeout: 500 });
          if (when === 'in the turn') ours.destroy();
          expect((await result).value).to.equal(when === 'after' ? 0 : -1);
          ours.destroy();
        }
      });
    });
  }
}

it('closes 1,000 sockets, and none of them keeps a listener, a watcher that asks again, or a timer', async () => {
  const server = tls.createServer(certificate, (socket) => socket.on('error', () => {}).resume());
  const options = { port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const;
  let ones = 0;
  for (let batch = 0; batch < 10; batch++) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const socket = track(tls.connect(options)).resume();
        await once(socket, 'secureConnect');
        return socket;
      }),
    );
    const gone = sockets.map(closed);
    const values = await Promise.all(sockets.map((socket) => gracefulShutdown(socket, { bidirectional: true })));
    ones += values.filter((value) => value === 1).length;
    await Promise.all(gone);
    for (const socket of sockets) expect(socket.listenerCount('error')).to.equal(0);
  }
  expect(ones).to.equal(1000);
});

for (const version of VERSIONS) {
  it(`resumes a session after 0, after 1 and after quiet, ${version}`, async () => {
    const server = tls.createServer({ ...certificate, maxVersion: version }, (socket) => {
      socket.on('error', () => {}).resume();
      socket.write('x');
    });
    const options = { port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: version };
    for (const how of [{}, { bidirectional: true }, { quiet: true }]) {
      const first = watch(track(tls.connect(options)));
      const session = once(first, 'session') as Promise<[Buffer]>;
      await once(first.resume(), 'secureConnect');
      const [ticket] = await session;
      expect(await gracefulShutdown(first, how)).to.equal('quiet' in how || 'bidirectional' in how ? 1 : 0);
      const second = track(tls.connect({ ...options, session: ticket }));
      await once(second, 'secureConnect');
      expect(second.isSessionReused()).to.equal(true);
      const data = readAll(second);
      expect(await gracefulShutdown(second, { bidirectional: true })).to.equal(1);
      await data;
    }
  });
}
