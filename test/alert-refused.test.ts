/**
 * Our alert can't be handed to the transport any more: a reset came before. Behind the peer's alert Node tells nobody of it, neither ECONNRESET nor
 * the EPIPE of the write (Node 20 to 26).
 */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { drainSockets, getShutdown, gracefulShutdown, shutdown, watch, type ShutdownResult } from '../src/index.js';
import { SIDES, VERSIONS, certificate, closed, listen, makePair, track, turns, type Pair } from './support/pair.js';
import { wire, type WireEnd } from './support/wire.js';

const LOST = { sent: 'lost', received: 'close_notify' };

/** What is underneath. */
interface Handle {
  _parent: Handle;
  writeQueueSize: number;
  getpeername?: unknown;
  readStop(): void;
}
const handleOf = (socket: TLSSocket): Handle => (socket as unknown as { _handle: Handle })._handle;

const refused = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
const REFUSALS: Record<string, (end: WireEnd, callback: (error?: Error) => void) => void> = {
  'fails to write it at once': (_end, callback) => callback(refused),
  'fails to write it a turn later': (_end, callback) => void setImmediate(callback, refused),
  'is destroyed in place of writing it': (end, callback) => {
    end.destroy();
    callback();
  },
};

async function expectRefused(socket: TLSSocket, answer: Promise<ShutdownResult>): Promise<void> {
  const result = await answer;
  expect(result.error).to.include({ code: 'ERR_TLS_SHUTDOWN_TRANSPORT', sslError: 'SSL_ERROR_SYSCALL' });
  expect(result).to.deep.include({ value: -1, state: LOST });
  expect(getShutdown(socket)).to.deep.equal(LOST);
  expect(await gracefulShutdown(socket, { bidirectional: true })).to.equal(-1);
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`our alert is refused, ${version} as ${side}`, () => {
      /** The peer's alert is in, its FIN is not. */
      async function ended(): Promise<Pair> {
        const pair = await makePair({ version, side, allowHalfOpen: true });
        pair.relay.holdFin(pair.toUs);
        watch(pair.ours).resume();
        pair.peer.end();
        await once(pair.ours, 'end');
        return pair;
      }

      for (const bidirectional of [false, true]) {
        it(`is TRANSPORT after a reset that Node has read, bidirectional ${bidirectional}`, async () => {
          const { ours, relay, toUs } = await ended();
          relay.resetNow(toUs);
          await turns(3);
          await expectRefused(ours, shutdown(ours, { bidirectional }));
        });

        it(`is TRANSPORT after a reset that Node has not read yet, bidirectional ${bidirectional}`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
          relay.holdFin(toUs);
          let answer: Promise<ShutdownResult> | undefined;
          watch(ours)
            .resume()
            .on('end', () => {
              relay.resetNow(toUs); // its end() comes in the same turn, before the next poll
              answer = shutdown(ours, { bidirectional });
            });
          peer.end();
          await once(ours, 'end');
          await expectRefused(ours, answer!);
        });
      }

      it("is no 1 when the peer's alert and the reset are both unread at the call", async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        let alert: Buffer | undefined;
        watch(ours).resume();
        relay.holdFin(toUs);
        relay.filter(toUs, (chunk) => void (alert = chunk));
        peer.end();
        await relay.until(() => alert !== undefined && relay.fins.includes(toUs));
        relay.filter(toUs, undefined);
        ours.write('now');
        await once(peer, 'data'); // in a poll, so its end() comes before the next one
        relay.inject(toUs, alert!);
        relay.resetNow(toUs);
        const answer = shutdown(ours, { bidirectional: true });
        expect((await answer).value).to.equal(-1);
        expect(getShutdown(ours).sent).to.equal('lost');
        expect(await gracefulShutdown(ours)).to.equal(-1);
      });

      for (const how of ['destroy()', 'destroySoon()', 'end() and destroy()']) {
        it(`is no 1 behind a ${how} in the turn of the call`, async () => {
          const { ours, relay, toUs } = await ended();
          relay.resetNow(toUs);
          await turns(3);
          const end = closed(ours);
          const answer = shutdown(ours, { bidirectional: true });
          if (how.startsWith('end')) ours.end();
          if (how === 'destroySoon()') ours.destroySoon();
          else ours.destroy();
          await end;
          await expectRefused(ours, answer);
        });
      }

      it('is no 1 at the end of a for await loop', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side });
        relay.holdFin(toUs);
        watch(ours);
        peer.end('hello');
        for await (const chunk of ours) {
          expect(String(chunk)).to.equal('hello');
          ours.once('end', () => relay.resetNow(toUs));
        }
        expect(await gracefulShutdown(ours)).to.equal(-1);
        expect(getShutdown(ours).sent).not.to.equal('close_notify');
      });

      it('is learned from ENOTCONN where the transport has no getpeername', async () => {
        const { ours, relay, toUs } = await ended();
        Object.defineProperty(handleOf(ours)._parent, 'getpeername', { value: undefined });
        relay.resetNow(toUs);
        await turns(3);
        await expectRefused(ours, shutdown(ours));
      });

      it('counts as failed in a drain, not as oneWay, after a bare FIN', async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).resume();
        relay.fin(toUs);
        await once(ours, 'end');
        relay.resetNow(toUs);
        await turns(3);
        const { failed, oneWay } = await drainSockets([ours]);
        expect({ failed, oneWay }).to.deep.equal({ failed: 1, oneWay: 0 });
        peer.destroy();
      });

      it('is 1 when the peer closes fully behind its alert: ours is with the kernel before the reset that answers it', async () => {
        const { ours, peer, relay } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).resume();
        peer.end();
        await once(ours, 'end');
        relay.destroy();
        await turns(3);
        expect((await shutdown(ours)).state).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
      });
    });
  }

  describe(`our alert is refused, ${version}`, () => {
    async function unixPair(): Promise<[ours: TLSSocket, peer: TLSSocket]> {
      const server = track(tls.createServer({ ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true }));
      const path = join(tmpdir(), `tls-shutdown-${process.pid}-${Math.random().toString(36).slice(2)}`);
      server.listen(path);
      await once(server, 'listening');
      const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
      const ours = watch(track(tls.connect({ path, rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions)));
      await once(ours, 'secureConnect');
      const peer = track((await accepted)[0]);
      peer.on('error', () => {});
      await turns();
      peer.end();
      await once(ours.resume(), 'end');
      return [ours, peer];
    }

    it('is TRANSPORT over a Unix socket whose peer is closed, and 1 over one that is half open', async () => {
      const [ours, peer] = await unixPair();
      peer.destroy();
      await turns(3);
      await expectRefused(ours, shutdown(ours));
      const [open] = await unixPair();
      expect(await gracefulShutdown(open)).to.equal(1);
    });

    it('is TRANSPORT when it was queued, and 1 when it is written later', async () => {
      // As many records as the kernel takes of a peer that does not read.
      const fits = await fillable(unixPair);
      for (const destroyed of [true, false]) {
        const [ours, peer] = await unixPair();
        handleOf(peer).readStop();
        for (let i = 0; i < fits; i++) await promisify(ours.write.bind(ours) as (data: string, done: () => void) => void)('xx');
        const answer = shutdown(ours, { bidirectional: true });
        await turns(3);
        expect(handleOf(ours)._parent.writeQueueSize, 'the alert is queued').to.be.greaterThan(0);
        expect(getShutdown(ours).sent).to.equal('queued');
        if (destroyed) {
          peer.destroy();
          await expectRefused(ours, answer);
        } else {
          peer.resume();
          (handleOf(peer) as unknown as { readStart(): void }).readStart();
          expect((await answer).value).to.equal(1);
        }
      }
    });

    it('is TRANSPORT in TLS in TLS', async () => {
      const server = tls.createServer({ ...certificate, allowHalfOpen: true });
      const port = await listen(server);
      const [transport, accepted] = [once(server, 'connection'), once(server, 'secureConnection')] as [Promise<[net.Socket]>, Promise<[TLSSocket]>];
      const halfOpen = { rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions;
      const outer = track(tls.connect({ port, host: '127.0.0.1', ...halfOpen })).on('error', () => {});
      await once(outer, 'secureConnect');
      const [[raw], [peerOuter]] = await Promise.all([transport, accepted]);
      const peer = new tls.TLSSocket(track(peerOuter).on('error', () => {}), { isServer: true, ...certificate, minVersion: version, maxVersion: version });
      track(peer).on('error', () => {});
      const ours = watch(track(tls.connect({ socket: outer, ...halfOpen })));
      await once(ours, 'secureConnect');
      await turns();
      peer.end();
      await once(ours.resume(), 'end');
      (raw as unknown as { _handle: { reset(done: () => void): void } })._handle.reset(() => {});
      await turns(3);
      await expectRefused(ours, shutdown(ours));
    });

    for (const taken of [false, true]) {
      it(`is ${taken ? '1' : 'TRANSPORT'} over a Duplex that ${taken ? 'takes' : 'refuses'} it behind a slow write of the handshake`, async () => {
        const [a, b] = wire();
        const ours = watch(track(new tls.TLSSocket(b, { isServer: true, ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true } as tls.TLSSocketOptions)));
        const client = track(tls.connect({ socket: a, rejectUnauthorized: false })).resume();
        client.on('secureConnect', () => client.end());
        const { _write: write } = b;
        let release: (() => void) | undefined;
        let flights = 0;
        b._write = (chunk: Buffer, encoding, callback) => {
          if (++flights === 2) release = () => write.call(b, chunk, encoding, callback); // the last flight: tickets, or TLS 1.2's Finished
          else if (flights === 1 || taken) write.call(b, chunk, encoding, callback);
          else callback(refused);
        };
        await once(ours.on('error', () => {}), 'secure');
        if (version === 'TLSv1.3') await turns(20); // the client's alert is in
        const answer = shutdown(ours.resume(), { bidirectional: true });
        await turns(5);
        release!();
        const { value, state } = await answer;
        expect(value).to.equal(taken ? 1 : -1);
        expect(state.sent).to.equal(taken ? 'close_notify' : 'lost');
      });
    }

    it('is lost in TLS in TLS over a Duplex that refuses it', async () => {
      const [a, b] = wire();
      const peerOuter = track(new tls.TLSSocket(b, { isServer: true, ...certificate })).on('error', () => {});
      const peer = track(new tls.TLSSocket(peerOuter, { isServer: true, ...certificate, minVersion: version, maxVersion: version })).on('error', () => {});
      const outer = track(tls.connect({ socket: a, rejectUnauthorized: false })).on('error', () => {});
      await once(outer, 'secureConnect');
      const ours = watch(track(tls.connect({ socket: outer, rejectUnauthorized: false })));
      await once(ours, 'secureConnect');
      await turns(10);
      peer.resume();
      ours.resume();
      a._write = (_chunk, _encoding, callback) => callback(refused);
      const { value, state } = await shutdown(ours);
      expect(value).to.equal(-1);
      expect(state.sent).not.to.equal('close_notify');
    });

    for (const [how, refuse] of Object.entries(REFUSALS)) {
      it(`is TRANSPORT over a Duplex that ${how}`, async () => {
        const [a, b] = wire();
        const peer = track(new tls.TLSSocket(b, { isServer: true, ...certificate, minVersion: version, maxVersion: version }));
        const ours = watch(track(tls.connect({ socket: a, rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions)));
        await once(ours, 'secureConnect');
        await turns(10);
        peer.end();
        await once(ours.resume(), 'end');
        a._write = (_chunk, _encoding, callback) => refuse(a, callback);
        await expectRefused(ours, shutdown(ours));
      });
    }
  });
}

async function fillable(pair: () => Promise<[TLSSocket, TLSSocket]>): Promise<number> {
  const [ours, peer] = await pair();
  handleOf(peer).readStop();
  let count = 0;
  for (; handleOf(ours)._parent.writeQueueSize === 0; count++) {
    ours.write('xx');
    await turns();
  }
  return count - 1;
}
