/** No end but the peer's alert gives the plain connection back. */
import { expect } from 'chai';
import { once } from 'node:events';
import tls from 'node:tls';
import { getShutdown, gracefulShutdown, unwrap } from '../../src/index.js';
import { track, turns } from '../support/pair.js';
import { codeOf, connection, describeCases, gone, handshakes, talkPlain, wrapAs, wrappedPair, type WrappedPair } from '../support/wrapped.js';

const ERROR = 'ERR_TLS_SHUTDOWN_';
/** The beginning of a record of 100 bytes. */
const PART = Buffer.from([23, 3, 3, 0, 100, 1, 2, 3]);

/** What comes in place of the peer's alert, and the codes that say so. A FIN may hide an alert under TLS 1.3 (docs/limits.md). */
const ENDINGS: Record<string, { end: (pair: WrappedPair) => void; code: RegExp }> = {
  'a FIN at a record boundary': { end: ({ relay, toUs }) => relay.fin(toUs), code: /TRUNCATED$/ },
  'a FIN in mid-record': {
    end: ({ relay, toUs }) => {
      relay.inject(toUs, PART);
      relay.fin(toUs);
    },
    code: /(TRUNCATED|UNVERIFIED)$/,
  },
  'a FIN in mid-header': {
    end: ({ relay, toUs }) => {
      relay.inject(toUs, PART.subarray(0, 3));
      relay.fin(toUs);
    },
    code: /(TRUNCATED|UNVERIFIED)$/,
  },
  // Node sends a FIN before the reset, and either may be seen first.
  'a reset': { end: ({ relay, toUs }) => relay.reset(toUs), code: /(TRANSPORT|CLOSED|TRUNCATED)$/ },
  'plaintext': { end: ({ relay, toUs }) => relay.inject(toUs, Buffer.from('250 ok, and now what?\r\n')), code: /PROTOCOL$/ },
  'plaintext and a FIN': {
    end: ({ relay, toUs }) => {
      relay.inject(toUs, Buffer.from('250 ok\r\n'));
      relay.fin(toUs);
    },
    code: /PROTOCOL$/,
  },
  'an alert in the clear, and plaintext': { end: ({ relay, toUs }) => relay.inject(toUs, Buffer.concat([Buffer.from([21, 3, 3, 0, 2, 1, 0]), Buffer.from('forged')])), code: /PROTOCOL$/ },
  'an alert that nobody could have sealed': { end: ({ relay, toUs }) => relay.inject(toUs, Buffer.concat([Buffer.from([21, 3, 3, 0, 26]), Buffer.alloc(26, 7), Buffer.from('forged')])), code: /PROTOCOL$/ },
  'data that nobody could have sealed': { end: ({ relay, toUs }) => relay.inject(toUs, Buffer.concat([Buffer.from([23, 3, 3, 0, 19]), Buffer.alloc(19, 7), Buffer.from('forged')])), code: /PROTOCOL$/ },
  'a record of 65,535 bytes': { end: ({ relay, toUs }) => relay.inject(toUs, Buffer.from([23, 3, 3, 255, 255, 1, 2])), code: /PROTOCOL$/ },
};

async function expectLost({ ours, transport }: WrappedPair, promise: Promise<unknown>, code: RegExp): Promise<void> {
  let handedOut = 0;
  transport.on('data', (chunk: Buffer) => (handedOut += transport.destroyed ? chunk.length : 0));
  expect(await codeOf(promise)).to.match(code);
  expect(transport.destroyed, 'the transport is destroyed').to.equal(true);
  await Promise.all([gone(transport), gone(ours)]);
  expect(handedOut).to.equal(0);
  expect(await codeOf(unwrap(ours)), 'again').to.match(/^ERR_TLS_SHUTDOWN_/);
}

describeCases('unwrap without an alert', (of) => {
  for (const [what, { end, code }] of Object.entries(ENDINGS)) {
    it(`rejects and destroys the transport when ${what} comes while it waits`, async () => {
      const pair = await wrappedPair(of);
      pair.relay.mute(pair.toPeer);
      const unwrapped = unwrap(pair.ours);
      unwrapped.catch(() => {});
      await once(pair.ours, 'finish');
      end(pair);
      await expectLost(pair, unwrapped, code);
    });

    it(`rejects and destroys the transport when ${what} came before`, async () => {
      const pair = await wrappedPair(of);
      pair.relay.mute(pair.toPeer);
      const over = new Promise((resolve) => pair.ours.resume().once('end', resolve).once('error', resolve).once('close', resolve));
      end(pair);
      await over;
      await expectLost(pair, unwrap(pair.ours), code);
    });
  }

  it('rejects with TIMEOUT when nothing comes at all, and the transport is destroyed', async () => {
    const pair = await wrappedPair(of);
    expect(await gracefulShutdown(pair.ours)).to.equal(0);
    await expectLost(pair, unwrap(pair.ours, { timeout: 5 }), /TIMEOUT$/);
    expect(getShutdown(pair.ours).sent).to.equal('close_notify');
  });

  it('rejects with TIMEOUT at once with a timeout of 0, and the transport is destroyed', async () => {
    const pair = await wrappedPair(of);
    await expectLost(pair, unwrap(pair.ours, { timeout: 0 }), /TIMEOUT$/);
  });

  it('rejects with CLOSED when the TLS socket was destroyed, and destroying it destroys the transport', async () => {
    const pair = await wrappedPair(of);
    pair.ours.destroy();
    await gone(pair.transport);
    await expectLost(pair, unwrap(pair.ours), /CLOSED$/);
  });

  it('rejects when the TLS socket is destroyed while it waits', async () => {
    const pair = await wrappedPair(of);
    const unwrapped = unwrap(pair.ours);
    await turns();
    pair.ours.destroy();
    await expectLost(pair, unwrapped, /CLOSED$/);
  });

  it('rejects when the transport is destroyed while it waits', async () => {
    const pair = await wrappedPair(of);
    const unwrapped = unwrap(pair.ours);
    await turns();
    pair.transport.destroy();
    await expectLost(pair, unwrapped, /(CLOSED|TRANSPORT)$/);
  });

  it('rejects when the transport was destroyed after both alerts', async () => {
    const pair = await wrappedPair(of);
    const [value] = await Promise.all([gracefulShutdown(pair.ours, { bidirectional: true, unread: 'discard' }), unwrap(pair.peer)]);
    expect(value).to.equal(1);
    pair.transport.destroy();
    await expectLost(pair, unwrap(pair.ours), /CLOSED$/);
  });
});

describeCases('unwrap, its caller', (of) => {
  it('is told IN_HANDSHAKE while the handshake runs, which goes on, and a later call works', async () => {
    const { ours, peer, transport } = await wrappedPair({ ...of, early: true });
    expect(await codeOf(unwrap(ours))).to.equal(`${ERROR}IN_HANDSHAKE`);
    expect(transport.destroyed).to.equal(false);
    await handshakes(ours, peer);
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    await talkPlain(plain, theirs);
  });

  it('aborts before it calls: nothing is touched', async () => {
    const { ours, peer } = await wrappedPair(of);
    expect(await codeOf(unwrap(ours, { signal: AbortSignal.abort() }))).to.equal('ABORT_ERR');
    await turns();
    expect(getShutdown(ours)).to.deep.equal({ sent: 'open', received: 'open' });
    ours.write('still TLS');
    expect(String((await once(peer, 'data'))[0])).to.equal('still TLS');
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    await talkPlain(plain, theirs);
  });

  it('aborts before our alert left: the transport stays, and a later call goes on', async () => {
    const { ours, peer, transport, relay, toPeer } = await wrappedPair(of);
    relay.stall(toPeer, true);
    ours.write(Buffer.alloc(8_000_000));
    const controller = new AbortController();
    const unwrapped = unwrap(ours, { signal: controller.signal });
    await turns();
    controller.abort(new Error('because'));
    const error = (await unwrapped.catch((reason: unknown) => reason)) as Error;
    expect(error).to.include({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(error.cause).to.have.property('message', 'because');
    expect(getShutdown(ours).sent).to.equal('queued');
    expect(transport.destroyed).to.equal(false);
    relay.stall(toPeer, false);
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer, { unread: 'discard' })]);
    await talkPlain(plain, theirs);
  });

});

describe('unwrap, wrong arguments', () => {
  it('leaves a socket that wrap() did not make as it was', async () => {
    const [a, b] = await connection();
    const ours = track(tls.connect({ socket: a, rejectUnauthorized: false }));
    const peer = wrapAs('server', b);
    await handshakes(ours, peer);
    const error = (await unwrap(ours).catch((reason: unknown) => reason)) as Error;
    expect(error).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_VALUE');
    await turns();
    expect(getShutdown(ours)).to.deep.equal({ sent: 'open', received: 'open' });
    ours.write('still TLS');
    expect(String((await once(peer, 'data'))[0])).to.equal('still TLS');
  });

  it('rejects, and never throws, for what is no TLS socket and for wrong options, and touches nothing', async () => {
    const { ours, peer } = await wrappedPair({ version: 'TLSv1.3', side: 'client', kind: 'net.Socket' });
    expect(await codeOf(unwrap(undefined as never))).to.equal('ERR_INVALID_ARG_TYPE');
    for (const [options, code] of [
      [null, 'ERR_INVALID_ARG_TYPE'],
      [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ timeout: '5' }, 'ERR_INVALID_ARG_TYPE'],
      [{ unread: 'drop' }, 'ERR_INVALID_ARG_VALUE'],
      [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      expect(await codeOf(unwrap(ours, options as never)), JSON.stringify(options)).to.equal(code);
    }
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    await talkPlain(plain, theirs);
  });
});
