/** Every row of the table of -1: what happened, its code, its SSL error, and whether a later call can go on. */
import { expect } from 'chai';
import { once } from 'node:events';
import type net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, getShutdownError, gracefulShutdown, shutdown, watch, type ShutdownErrorCode, type ShutdownResult } from '../../src/index.js';
import { SIDES, VERSIONS, certificate, listen, makePair, seenBy, track, turns, type Pair } from '../support/pair.js';

function expectFailure(result: ShutdownResult, code: ShutdownErrorCode, sslError: string): void {
  expect(result.error?.code, String(result.error)).to.equal(code);
  expect(result).to.include({ value: -1 });
  expect(result.error).to.be.an('error').that.includes({ name: 'TlsShutdownError', sslError, state: result.state, unreadBytes: result.unreadBytes });
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    const pairOf = (options: { allowHalfOpen?: boolean } = {}): Promise<Pair> => makePair({ version, side, ...options });

    describe(`-1, ${version} as ${side}`, () => {
      it('TRUNCATED, the recorded verdict, also where our alert was lost behind it', async () => {
        const { ours, relay, toUs } = await pairOf({ allowHalfOpen: true });
        ours._final = (callback) => callback(); // sends nothing
        relay.fin(toUs);
        await once(watch(ours).resume(), 'end');
        const { error, state } = await shutdown(ours);
        expect(error?.code).to.equal('ERR_TLS_SHUTDOWN_TRUNCATED');
        expect(state).to.deep.equal({ sent: 'lost', received: 'fin' });
      });

      it('TIMEOUT/WANT_WRITE when our alert is not flushed in time; a later call goes on', async () => {
        const { ours, peer, relay, toPeer } = await pairOf();
        relay.stall(toPeer, true);
        ours.write(Buffer.alloc(20_000_000));
        expectFailure(await shutdown(ours, { timeout: 20 }), 'ERR_TLS_SHUTDOWN_TIMEOUT', 'SSL_ERROR_WANT_WRITE');
        expect(getShutdown(ours)).to.deep.equal({ sent: 'queued', received: 'open' });
        relay.stall(toPeer, false);
        peer.resume();
        expect(await gracefulShutdown(ours)).to.equal(0);
        expect(getShutdownError(ours)).to.equal(undefined);
      });

      it("TIMEOUT/WANT_READ when the peer's alert does not come in time; a later call goes on", async () => {
        const { ours, peer } = await pairOf();
        const result = await shutdown(ours, { bidirectional: true, timeout: 20 });
        expectFailure(result, 'ERR_TLS_SHUTDOWN_TIMEOUT', 'SSL_ERROR_WANT_READ');
        expect(getShutdownError(ours)).to.equal(result.error);
        peer.resume().end();
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it("TIMEOUT that names unread: 'discard' when unread data may hold the alert back; reading lets it go on", async () => {
        const { ours, peer } = await pairOf();
        peer.resume().end(Buffer.alloc(2_000_000));
        const result = await shutdown(ours, { bidirectional: true, timeout: 50 });
        expectFailure(result, 'ERR_TLS_SHUTDOWN_TIMEOUT', 'SSL_ERROR_WANT_READ');
        expect(result.unreadBytes).to.be.greaterThan(0);
        expect(result.error?.message).to.include("unread: 'discard'").and.include(String(result.unreadBytes));
        let read = 0;
        ours.on('data', (chunk: Buffer) => (read += chunk.length));
        expect(await gracefulShutdown(ours)).to.equal(1);
        expect(read).to.equal(2_000_000);
      });

      it('TIMEOUT at once with timeout: 0, and the shutdown has started', async () => {
        const { ours, peer } = await pairOf();
        expectFailure(await shutdown(ours, { timeout: 0 }), 'ERR_TLS_SHUTDOWN_TIMEOUT', 'SSL_ERROR_WANT_WRITE');
        peer.resume();
        await once(peer, 'end');
        peer.end();
        expect(await gracefulShutdown(ours)).to.equal(1);
      });

      it('TRUNCATED when a FIN comes with no close_notify, in step 2', async () => {
        const { ours, relay, toUs } = await pairOf();
        expect(await gracefulShutdown(ours)).to.equal(0);
        const second = shutdown(ours);
        relay.fin(toUs);
        expectFailure(await second, 'ERR_TLS_SHUTDOWN_TRUNCATED', 'SSL_ERROR_SSL');
        expect((await shutdown(ours)).error?.code).to.equal('ERR_TLS_SHUTDOWN_TRUNCATED');
      });

      it('TRUNCATED, not 0, when the FIN came before our alert, which is sent all the same', async () => {
        const { ours, peer, relay, toUs } = await pairOf({ allowHalfOpen: true });
        watch(ours).resume();
        watch(peer).resume();
        relay.fin(toUs);
        await once(ours, 'end');
        expect(getShutdown(ours).received).to.equal('fin');
        expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_TRUNCATED', 'SSL_ERROR_SSL');
        await once(peer, 'end');
        expect(seenBy(peer)).to.equal('close_notify');
      });

      it('TRUNCATED as soon as the FIN comes, also behind unread data', async () => {
        const { ours, peer, relay, toUs } = await pairOf();
        watch(ours);
        peer.write('unread');
        await once(ours, 'readable');
        const result = shutdown(ours, { bidirectional: true, timeout: Infinity });
        relay.fin(toUs);
        expectFailure(await result, 'ERR_TLS_SHUTDOWN_TRUNCATED', 'SSL_ERROR_SSL');
        expect((await result).unreadBytes).to.equal(6);
      });

      it('TRUNCATED when the FIN cuts a record in the middle', async () => {
        const { ours, peer, relay, toUs } = await pairOf();
        watch(ours).resume();
        let passed = 0;
        relay.filter(toUs, (chunk) => (passed++ === 0 ? chunk.subarray(0, 20) : undefined));
        peer.end(Buffer.alloc(1000));
        await once(ours, 'close');
        expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_TRUNCATED', 'SSL_ERROR_SSL');
      });

      it('UNVERIFIED when it was over before anybody watched', async () => {
        const { ours, peer } = await pairOf();
        ours.resume();
        peer.resume().end();
        await once(ours, 'close');
        expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_UNVERIFIED', 'SSL_ERROR_SSL');
      });

      it('PROTOCOL when a fatal alert comes in place of close_notify', async () => {
        const { ours, peer, relay, toPeer } = await pairOf();
        peer.resume();
        relay.filter(toPeer, (chunk) => Buffer.concat([chunk.subarray(0, -1), Buffer.from([chunk.at(-1)! ^ 1])])); // bad_record_mac
        const result = await shutdown(ours, { bidirectional: true });
        expectFailure(result, 'ERR_TLS_SHUTDOWN_PROTOCOL', 'SSL_ERROR_SSL');
        expect(result.state.received).to.equal('error');
        expect(result.error?.cause).to.have.property('code').that.matches(/^ERR_SSL_.*ALERT_BAD_RECORD_MAC$/);
      });

      it('PROTOCOL when what comes is not TLS', async () => {
        const { ours, relay, toUs } = await pairOf();
        expect(await gracefulShutdown(ours)).to.equal(0);
        const second = shutdown(ours);
        relay.inject(toUs, Buffer.from('HTTP/1.1 400 this is not TLS\r\n\r\n'));
        expectFailure(await second, 'ERR_TLS_SHUTDOWN_PROTOCOL', 'SSL_ERROR_SSL');
      });

      it('TRANSPORT when the connection is reset', async () => {
        const { ours, relay, toUs } = await pairOf();
        expect(await gracefulShutdown(ours)).to.equal(0);
        const second = shutdown(ours);
        relay.reset(toUs);
        const result = await second;
        expectFailure(result, 'ERR_TLS_SHUTDOWN_TRANSPORT', 'SSL_ERROR_SYSCALL');
        expect((result.error?.cause as NodeJS.ErrnoException).code).to.equal('ECONNRESET');
      });

      it("TRANSPORT when a reset comes after the peer's close_notify and before ours is flushed", async () => {
        const { ours, peer, relay, toPeer, toUs } = await pairOf({ allowHalfOpen: true });
        watch(ours).resume();
        relay.stall(toPeer, true);
        relay.holdFin(toUs); // a transport can't be reset after its FIN
        ours.write(Buffer.alloc(20_000_000));
        peer.end();
        await once(ours, 'end');
        const waiting = shutdown(ours);
        relay.reset(toUs);
        const result = await waiting;
        expectFailure(result, 'ERR_TLS_SHUTDOWN_TRANSPORT', 'SSL_ERROR_SYSCALL');
        expect(result.state.received).to.equal('error');
      });

      for (const how of ['our', "somebody's"]) {
        it(`TRANSPORT when a reset comes after the peer's close_notify and before ${how} end() takes effect, though the alert could be written`, async () => {
          const { ours, peer } = await pairOf({ allowHalfOpen: true });
          peer.end();
          await once(watch(ours).resume(), 'end');
          if (how !== 'our') ours.end();
          const result = shutdown(ours);
          ours.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })); // as Node does, in the turn of the call
          expectFailure(await result, 'ERR_TLS_SHUTDOWN_TRANSPORT', 'SSL_ERROR_SYSCALL');
          await turns();
          expect(getShutdown(ours)).to.deep.equal({ sent: 'queued', received: how === 'our' ? 'error' : 'close_notify' });
        });
      }

      it('CLOSED when somebody destroys the socket before it is done', async () => {
        const { ours } = await pairOf();
        const waiting = shutdown(ours, { bidirectional: true });
        ours.destroy();
        expectFailure(await waiting, 'ERR_TLS_SHUTDOWN_CLOSED', 'SSL_ERROR_SYSCALL');
        expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_CLOSED', 'SSL_ERROR_SYSCALL');
      });

      it('CLOSED, or what it was destroyed with, on a socket that is dead already', async () => {
        const { ours, peer } = await pairOf();
        ours.destroy();
        expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_CLOSED', 'SSL_ERROR_SYSCALL');
        peer.destroy(new Error('mine'));
        const result = await shutdown(peer);
        expectFailure(result, 'ERR_TLS_SHUTDOWN_TRANSPORT', 'SSL_ERROR_SYSCALL');
        expect(result.error?.cause).to.have.property('message', 'mine');
      });
    });
  }

  it(`IN_HANDSHAKE while the handshake runs, ${version}: nothing is sent, and after it the call succeeds`, async () => {
    const server = tls.createServer({ ...certificate, maxVersion: version }, (socket) => socket.resume());
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false }));
    for (const options of [{}, { quiet: true }, { bidirectional: true }]) {
      expectFailure(await shutdown(socket, options), 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE', 'SSL_ERROR_SSL');
    }
    expect(socket.writableEnded).to.equal(false);
    await once(socket, 'secureConnect');
    expect(await gracefulShutdown(socket, { bidirectional: true })).to.equal(1);
  });

  it(`NOT_SENT when somebody's end() came before the handshake was done, ${version}`, async () => {
    const server = tls.createServer({ ...certificate, maxVersion: version });
    server.on('tlsClientError', () => {});
    const options = { port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false };
    for (const early of [true, false]) {
      const socket = track(tls.connect(options));
      socket.on('error', () => {});
      if (early) watch(socket);
      socket.end();
      const result = await shutdown(socket, { bidirectional: true });
      expectFailure(result, 'ERR_TLS_SHUTDOWN_NOT_SENT', 'SSL_ERROR_SSL');
      expect(result.state.sent).to.equal('lost');
    }
  });

  it(`is not NOT_SENT when data stands before somebody's end() in the handshake: the alert leaves behind it, ${version}`, async () => {
    const server = tls.createServer({ ...certificate, maxVersion: version }, (peer) => peer.resume());
    const port = await listen(server);
    for (const [early, data] of [
      [true, 'hello'],
      [false, 'hello'],
      [true, ''],
    ] as const) {
      const socket = track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
      if (early) watch(socket);
      socket.write(data);
      socket.end();
      if (early) expect(getShutdown(socket).sent).to.equal('queued');
      expect((await shutdown(socket.resume(), { bidirectional: true })).state).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
    }
  });

  for (const value of [0, 1]) {
    it(`NOT_SENT when somebody has ended the transport before, ${version}, where it would be ${value}`, async () => {
      const server = watch(tls.createServer({ ...certificate, maxVersion: version, allowHalfOpen: true }));
      const port = await listen(server);
      const [raw, secure] = [once(server, 'connection'), once(server, 'secureConnection')] as Promise<[net.Socket]>[];
      const peer = watch(track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions)));
      await once(peer.resume(), 'secureConnect');
      const ours = (await secure!)[0] as TLSSocket;
      ours.resume();
      await turns();
      if (value === 1) {
        peer.end();
        await once(ours, 'end');
      }
      const end = once(peer, 'end');
      (await raw!)[0].end();
      expectFailure(await shutdown(ours), 'ERR_TLS_SHUTDOWN_NOT_SENT', 'SSL_ERROR_SSL');
      expect(getShutdown(ours).sent).to.equal('lost');
      await end;
      expect(getShutdown(peer).received).to.be.oneOf(['fin', 'unverified']);
      ours.destroy();
    });
  }
}
