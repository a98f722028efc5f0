/** What stays of a wrapped socket: nothing, neither in memory nor on the transport. */
import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { getShutdown, gracefulShutdown, unwrap } from '../../src/index.js';
import { turns, untrack } from '../support/pair.js';
import { collect } from '../support/gc.js';
import { keptTimers } from '../support/kept-timers.js';
import { connection, describeCases, gone, handshakes, listenersOf, talkPlain, wrapAs, wrappedPair } from '../support/wrapped.js';

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

describeCases('wrap, a clean closure that nobody follows up', (of) => {
  it('destroys the transport when 5 s are over, which do not keep the process alive', async () => {
    const { ours, peer, transport, raw } = await wrappedPair(of);
    const before = sockets();
    const timers = await keptTimers(async () => {
      const theirs = unwrap(peer);
      await gracefulShutdown(ours, { bidirectional: true, unread: 'discard', timeout: 2000 });
      await Promise.all([theirs, gone(ours)]);
      await turns();
    });
    expect(timers.length).to.equal(1);
    expect(timers[0]!.timeout.hasRef()).to.equal(false);
    if (of.kind === 'net.Socket') expect(sockets()).to.equal(before - 1);
    expect(transport.destroyed).to.equal(false);
    timers[0]!.run();
    clearTimeout(timers[0]!.timeout);
    expect(transport.destroyed).to.equal(true);
    await Promise.all([gone(transport), gone(raw)]);
  });

  it('gives the transport to an unwrap in time, keeping the process alive again, and no timer is left', async () => {
    const { ours, peer, transport, listenersBefore } = await wrappedPair(of);
    const before = sockets();
    const timers = await keptTimers(async () => {
      const theirs = unwrap(peer);
      ours.resume().end();
      await gone(ours);
      await turns();
      const plain = await unwrap(ours);
      expect(plain).to.equal(transport);
      expect(sockets()).to.equal(before);
      await turns();
      expect(listenersOf(plain)).to.deep.equal(listenersBefore);
      await talkPlain(plain, await theirs);
    });
    expect(timers.length).to.equal(0);
  });

  it('destroys the transport at once after any other end', async () => {
    const { ours, transport, relay, toUs } = await wrappedPair(of);
    const timers = await keptTimers(async () => {
      relay.fin(toUs);
      ours.resume().on('error', () => {});
      await once(ours, 'end');
      ours.end();
      await Promise.all([gone(ours), gone(transport)]);
    });
    expect(timers.length).to.equal(0);
    expect(getShutdown(ours).received).to.match(/fin|unverified/);
  });
});

describe('wrap and unwrap, memory', () => {
  it('leaves no TLS socket behind, while the plain connection lives', async function () {
    this.timeout(30_000);
    const [a, b] = await connection();
    const references = await round(a, b);
    await round(a, b);
    await collect(() => references.every((reference) => reference.deref() === undefined));
    expect(references.map((reference) => reference.deref() === undefined)).to.deep.equal([true, true]);
    await talkPlain(a, b);
  });

  it('does 50 rounds on one connection, and then carries 5 MB of plaintext', async function () {
    this.timeout(30_000);
    const [a, b] = await connection();
    const before = [listenersOf(a), listenersOf(b)];
    for (let i = 0; i < 50; i++) await (i % 2 === 0 ? round(a, b) : round(b, a));
    await turns();
    expect([listenersOf(a), listenersOf(b)]).to.deep.equal(before);
    const data = randomBytes(5_000_000);
    a.end(data);
    const hash = createHash('sha256');
    for await (const chunk of b as AsyncIterable<Buffer>) hash.update(chunk);
    expect(hash.digest('hex')).to.equal(createHash('sha256').update(data).digest('hex'));
  });
});

async function round(a: Duplex, b: Duplex): Promise<[WeakRef<object>, WeakRef<object>]> {
  const client = wrapAs('client', a, 'TLSv1.3');
  const server = wrapAs('server', b, 'TLSv1.3');
  await handshakes(client, server);
  client.write('through TLS');
  await once(server, 'data');
  await Promise.all([unwrap(client), unwrap(server)]);
  await Promise.all([gone(client), gone(server)]);
  untrack(client, server);
  return [new WeakRef(client), new WeakRef(server)];
}
