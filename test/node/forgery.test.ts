/** Every way we know to make a bare FIN look like close_notify, tried. A forged clean end is the one defect that must not exist. */
import { expect } from 'chai';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import net from 'node:net';
import { mock } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, certificate, closed, listen, makePair, track, turns } from '../support/pair.js';
import { Relay } from '../support/relay.js';
import { TRANSPORTS } from '../support/transports.js';

interface Native {
  _parent: { readStart(): number; readStop(): number };
  reading: boolean;
}
const native = (socket: TLSSocket): Native => (socket as unknown as { _handle: Native })._handle;

const COPY = new URL('../../copy-of-src/', import.meta.url);

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`forgeries, ${version} as ${side}`, () => {
      let other: typeof import('../../src/index.js');
      before(async () => {
        cpSync(new URL('../../src/', import.meta.url), COPY, { recursive: true });
        other = (await import(new URL('index.js', COPY).href)) as typeof other;
      });
      afterEach(() => mock.timers.reset());
      after(() => rmSync(COPY, { recursive: true, force: true }));

      it('two copies of the package share one state, and only one asks', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        expect(other.watch).not.to.equal(watch);
        other.watch(watch(ours)).resume();
        relay.fin(toUs);
        await once(ours, 'end');
        expect(getShutdown(ours).received).to.equal('fin');
        expect(other.getShutdown(ours)).to.deep.equal(getShutdown(ours));
        expect(await other.gracefulShutdown(ours)).to.equal(-1);
        expect(other.getShutdownError(ours)?.code).to.equal('ERR_TLS_SHUTDOWN_TRUNCATED');
      });

      it('two copies join the same work', async () => {
        const { ours, peer } = await makePair({ version, side });
        peer.resume().once('end', () => setImmediate(() => peer.end()));
        const results = [gracefulShutdown(ours, { bidirectional: true }), other.gracefulShutdown(ours, { bidirectional: true })];
        expect(await Promise.all(results)).to.deep.equal([1, 1]);
      });

      it('the asking leaves the transport as it was: it still closes, and the next to ask is not told EALREADY', async () => {
        const { ours, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours);
        let answer: number | undefined;
        const { push } = ours;
        ours.push = function (this: TLSSocket, ...args: Parameters<typeof push>): boolean {
          const more = push.apply(this, args);
          if (args[0] === null) {
            answer = native(this)._parent.readStart();
            native(this)._parent.readStop();
          }
          return more;
        };
        ours.resume();
        relay.fin(toUs);
        await once(ours, 'end');
        expect(answer).to.equal(0);
        expect(getShutdown(ours).received).to.equal('fin');
      });

      it("an application's own push(null) is no proof", async () => {
        const { ours } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).resume();
        ours.push(null);
        await once(ours, 'end');
        expect(getShutdown(ours).received).to.equal('unverified');
      });

      it("an application's own push(null) in a 'data' callback is no proof", async () => {
        const { ours, peer } = await makePair({ version, side, allowHalfOpen: true });
        watch(ours).once('data', () => ours.push(null));
        peer.write('x');
        await once(ours, 'end');
        expect(getShutdown(ours).received).to.equal('unverified');
      });

      for (const how of ['pause()', 'readStart()'] as const) {
        it(`a FIN before anybody watched is never clean, nor after ${how} in its turn`, async () => {
          const { ours, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
          ours.resume();
          relay.fin(toUs);
          await once(ours, 'end');
          if (how === 'pause()') ours.pause();
          else native(ours)._parent.readStart(); // re-arms: now it reads EALREADY until the next poll
          expect((await shutdown(ours, { bidirectional: true })).error?.code).to.equal('ERR_TLS_SHUTDOWN_UNVERIFIED');
        });
      }

      for (const how of ['', ', also while a test fakes setImmediate']) {
        it(`a clean end before anybody watched is proved late, while the socket lives${how}`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
          ours.resume();
          relay.holdFin(toUs);
          peer.end();
          await once(ours, 'end');
          if (how !== '') mock.timers.enable({ apis: ['setImmediate'] });
          expect(await gracefulShutdown(ours)).to.equal(1);
        });
      }

      for (const [what, spoil] of Object.entries({
        'no parent handle': (handle: object) => Object.defineProperty(handle, '_parent', { value: undefined, configurable: true }),
        'a parent without readStart': (handle: Native) => Object.defineProperty(handle._parent, 'readStart', { value: undefined }),
        'an unknown number': (handle: Native) => Object.defineProperty(handle._parent, 'readStart', { value: () => -12345 }),
        'no number': (handle: Native) => Object.defineProperty(handle._parent, 'readStart', { value: () => undefined }),
        'a parent that throws': (handle: Native) =>
          Object.defineProperty(handle._parent, 'readStart', {
            value: () => {
              throw new Error('gone');
            },
          }),
      })) {
        it(`is unverified, never a guess, when Node's internals are not what they were: ${what}`, async () => {
          const { ours, peer } = await makePair({ version, side });
          watch(ours).resume();
          const handle = native(ours);
          const parent = handle._parent;
          spoil(handle);
          peer.resume().end();
          await once(ours, 'end');
          expect(getShutdown(ours).received).to.equal('unverified');
          Object.defineProperty(handle, '_parent', { value: parent }); // Node closes the socket by it
          expect((await shutdown(ours, { bidirectional: true })).error?.code).to.equal('ERR_TLS_SHUTDOWN_UNVERIFIED');
        });
      }

      it('an end after garbage is an error, whatever the probe says', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        watch(ours).on('error', () => {});
        ours.resume();
        relay.inject(toUs, Buffer.from('this is not TLS at all'));
        relay.fin(toUs);
        await once(ours, 'error');
        expect(getShutdown(ours).received).to.equal('error');
        expect((await shutdown(ours)).error?.code).to.equal('ERR_TLS_SHUTDOWN_PROTOCOL');
      });
    });
  }

  it(`a plaintext alert injected into the handshake is no close_notify, ${version}`, async () => {
    const attacker = net.createServer({ allowHalfOpen: true }, (socket) => {
      track(socket).on('error', () => {});
      socket.once('data', () => socket.end(Buffer.from('15030300020100', 'hex'))); // alert, warning, close_notify, in the clear
    });
    const ours = track(tls.connect({ port: await listen(attacker), host: '127.0.0.1', rejectUnauthorized: false, maxVersion: version }));
    watch(ours).on('error', () => {});
    await closed(ours);
    expect(getShutdown(ours).received).to.equal('unverified');
    expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(-1);
  });

  it(`TLS in TLS under back-pressure: the outer layer's end is no inner close_notify, ${version}`, async () => {
    const origin = tls.createServer({ ...certificate, maxVersion: version });
    origin.on('secureConnection', (socket) => track(socket).on('error', () => {}));
    const originPort = await listen(origin);
    let tunnel: TLSSocket | undefined;
    const proxy = tls.createServer({ ...certificate, allowHalfOpen: true }, (outer) => {
      tunnel = track(outer);
      const upstream = track(net.connect({ port: originPort, host: '127.0.0.1' }));
      for (const socket of [outer, upstream]) socket.on('error', () => {});
      outer.pipe(upstream).pipe(outer, { end: false });
    });
    const relay = track(new Relay(await listen(proxy)));
    const outer = track(tls.connect({ port: await listen(relay.server), host: '127.0.0.1', rejectUnauthorized: false }));
    await once(outer, 'secureConnect');
    const arrived = once(origin, 'secureConnection') as Promise<[TLSSocket]>;
    const ours = watch(track(tls.connect({ socket: outer, rejectUnauthorized: false })));
    const [[server]] = await Promise.all([arrived, once(ours, 'secureConnect')]);
    await turns(5);
    ours.pause();
    ours.on('error', () => {});
    // Everything in one segment: more than the inner socket takes, and the end of the outer layer behind it.
    const held: Buffer[] = [];
    relay.filter('toClient', (chunk) => void held.push(chunk));
    for (let i = 0; i < 6; i++) await new Promise((resolve) => server.write(Buffer.alloc(5000), resolve));
    await relay.until(() => Buffer.concat(held).length > 30_000);
    tunnel!.end();
    await relay.until(() => relay.fins.includes('toClient'));
    relay.filter('toClient', undefined);
    relay.inject('toClient', Buffer.concat(held));
    await once(ours, 'readable');
    ours.resume();
    await Promise.race([once(ours, 'end'), once(ours, 'close')]);
    expect(getShutdown(ours).received).to.be.oneOf(['fin', 'unverified']);
  });

  it(`a Duplex that emits 'end' by hand is not taken for open, ${version}`, async () => {
    const { ours } = await TRANSPORTS['a Duplex']!(version, watch);
    ours.on('error', () => {}).resume();
    const duplex = (ours as unknown as { _handle: { _parentWrap: { stream: NodeJS.EventEmitter } } })._handle._parentWrap.stream;
    duplex.emit('end');
    await once(ours, 'end');
    expect(getShutdown(ours).received).to.equal('fin');
  });

  it(`a Duplex without readableEnded that nobody watched in time is unverified, ${version}`, async () => {
    const { ours, close } = await TRANSPORTS['a Duplex without readableEnded']!(version, () => {});
    ours.allowHalfOpen = true;
    ours.on('error', () => {}).resume();
    close();
    await once(ours, 'end');
    expect((await shutdown(ours)).error?.code).to.equal('ERR_TLS_SHUTDOWN_UNVERIFIED');
  });
}
