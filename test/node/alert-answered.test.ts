/**
 * The peer closes fully behind its alert, so its kernel answers ours by a reset. Ours was handed to the transport all the same: 1, as `SSL_shutdown(3)` says.
 * `shutdown(2)` fails with ENOTCONN here too.
 */
import { expect } from 'chai';
import { once } from 'node:events';
import { stat } from 'node:fs';
import tls, { type TLSSocket } from 'node:tls';
import { drainSockets, getShutdown, shutdown, watch, type ShutdownResult } from '../../src/index.js';
import { SIDES, VERSIONS, certificate, closed, listen, makePair, track, turns } from '../support/pair.js';
import { handleOf, replaceShutdown } from '../support/refused.js';

const BOTH = { value: 1, state: { sent: 'close_notify', received: 'close_notify' } };

const DESTROYS: Record<string, (socket: TLSSocket, then: () => void) => void> = {
  'nobody destroys it': (_socket, then) => then(),
  'it is destroyed in the turn of the call': (socket, then) => (socket.destroy(), then()),
  // In the check phase that our alert is written in.
  "it is destroyed before the kernel's answer": (socket, then) => void setImmediate(() => (socket.destroy(), then())),
  // In a poll, most likely the next one.
  "it is destroyed behind the kernel's answer": (socket, then) => void setImmediate(() => stat('.', () => (socket.destroy(), then()))),
};

const READERS: Record<string, (socket: TLSSocket) => unknown> = {
  'is read': (socket) => socket.resume(),
  "is destroyed at 'end'": (socket) => socket.resume().on('end', () => socket.destroy()),
  'is read by for await': async (socket) => {
    for await (const chunk of socket) expect.fail(String(chunk));
  },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`our alert is answered by a reset, ${version} as ${side}`, () => {
      /** The peer is closed. */
      async function closedPeer(): Promise<TLSSocket> {
        const { ours, peer, relay } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).resume();
        peer.end();
        await once(ours, 'end');
        relay.destroy();
        await turns(3);
        return ours;
      }

      for (const [name, destroy] of Object.entries(DESTROYS)) {
        it(`is 1, and ${name}`, async () => {
          const ours = await closedPeer();
          const answer = shutdown(ours);
          const again = new Promise<ShutdownResult>((resolve) => destroy(ours, () => resolve(shutdown(ours))));
          expect(await answer).to.deep.include(BOTH);
          expect(await again).to.deep.include(BOTH);
        });
      }

      it('is 1 with data unread, which keeps the socket open', async () => {
        const { ours, peer, relay } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours);
        peer.end('unread');
        await once(ours, 'readable');
        relay.destroy();
        await turns(3);
        expect(await shutdown(ours, { bidirectional: true })).to.deep.include({ ...BOTH, unreadBytes: 6 });
        expect(ours.destroyed).to.equal(false);
      });

      it("keeps 'finish' from waiting: destroySoon() ends before ECONNRESET is read, as on a socket that nobody watches", async () => {
        const { ours, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        const events: string[] = [];
        for (const name of ['finish', 'close']) watch(ours).on(name, () => void events.push(name));
        ours.resume().on('error', (error) => void events.push(error.message));
        replaceShutdown(ours, (_request, original) => {
          const answer = original();
          relay.resetNow(toUs); // right behind our alert
          return answer;
        });
        const end = closed(ours);
        ours.destroySoon();
        await end;
        expect(events).to.deep.equal(['finish', 'close']);
        expect(getShutdown(ours).sent).to.equal('close_notify');
      });

      it('is 1 when OpenSSL has something to write behind our alert, which is refused (the answer to a KeyUpdate, say)', async () => {
        const ours = await closedPeer();
        const handle = handleOf(ours);
        const parent = handle._parent;
        const native = (of: object, name: string): number => Reflect.get(Object.getPrototypeOf(of) as object, name, of) as number;
        const before = native(parent, 'bytesWritten');
        // 30 bytes more than the alert were given to the transport, and are held.
        Object.defineProperty(handle, 'writeQueueSize', { get: () => native(handle, 'writeQueueSize') + 30 });
        Object.defineProperty(parent, 'bytesWritten', { get: () => native(parent, 'bytesWritten') + (native(parent, 'bytesWritten') > before ? 30 : 0) });
        expect(await shutdown(ours)).to.deep.include(BOTH);
      });
    });
  }

  describe(`a peer that closes fully while we close, ${version}`, () => {
    for (const [how, read] of Object.entries(READERS)) {
      for (const drains of [false, true]) {
        it(`is ${drains ? 'complete in a drain' : '1'}, and the socket ${how}`, async () => {
          const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version });
          const port = await listen(server);
          const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
          const peer = track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions)).on('error', () => {});
          const [[ours]] = await Promise.all([accepted, once(peer, 'secureConnect')]);
          watch(track(ours));
          await turns(3);
          const reading = read(ours);
          await new Promise<void>((resolve) => void stat('.', () => resolve())); // in a poll, so our end() comes before the next one
          peer.end();
          peer.destroy();
          const answer: Promise<ShutdownResult | { complete: number }> = drains ? drainSockets([ours]) : shutdown(ours, { bidirectional: true });
          expect(await answer).to.deep.include(drains ? { complete: 1, failed: 0 } : BOTH);
          await reading;
        });
      }
    }
  });
}
