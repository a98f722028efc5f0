/** As alert-refused.test.ts, over other transports than TCP. */
import { expect } from 'chai';
import { once } from 'node:events';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { VERSIONS, certificate, listen, track, turns } from '../support/pair.js';
import { expectRefused, handleOf } from '../support/refused.js';
import { wire, type WireEnd } from '../support/wire.js';

const refused = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
const REFUSALS: Record<string, (end: WireEnd, callback: (error?: Error) => void) => void> = {
  'fails to write it at once': (_end, callback) => callback(refused),
  'fails to write it a turn later': (_end, callback) => void setImmediate(callback, refused),
  'is destroyed in place of writing it': (end, callback) => {
    end.destroy();
    callback();
  },
};

for (const version of VERSIONS) {
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

    for (const reset of [true, false]) {
      it(`is ${reset ? 'TRANSPORT in TLS in TLS after a reset' : '1 in TLS in TLS whose peer closes fully behind its alert'}`, async () => {
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
        if (reset) (raw as unknown as { _handle: { reset(done: () => void): void } })._handle.reset(() => {});
        else raw.destroy();
        await turns(3);
        if (reset) await expectRefused(ours, shutdown(ours));
        else expect(await gracefulShutdown(ours)).to.equal(1);
      });
    }

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
