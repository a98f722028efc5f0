/** The plain connection comes back, whoever closes TLS first and however. */
import { expect } from 'chai';
import { once } from 'node:events';
import { getShutdown, gracefulShutdown, unwrap, watch } from '../../src/index.js';
import { readAll, turns } from '../support/pair.js';
import { codeOf, describeCases, gone, listenersOf, talkPlain, wrappedPair } from '../support/wrapped.js';

const CLEAN = { sent: 'close_notify', received: 'close_notify' };

describeCases('unwrap', (of) => {
  it('gives the very transport back, with nothing of TLS on it, and plaintext goes both ways', async () => {
    const { ours, peer, transport, listenersBefore, peerTransport, relay } = await wrappedPair(of);
    ours.write('through TLS');
    expect(String((await once(peer, 'data'))[0])).to.equal('through TLS');
    const [plain, plainPeer] = await Promise.all([unwrap(ours), unwrap(peer)]);
    expect(plain).to.equal(transport);
    expect(plainPeer).to.equal(peerTransport);
    expect(getShutdown(ours)).to.deep.equal(CLEAN);
    await turns();
    expect(plain.readableFlowing).to.equal(null);
    expect(listenersOf(plain)).to.deep.equal(listenersBefore);
    expect(plain.allowHalfOpen).to.equal(of.kind !== 'net.Socket');
    await talkPlain(plain, plainPeer);
    expect(relay.fins).to.deep.equal([]);
    await Promise.all([gone(ours), gone(peer)]);
    expect(transport.destroyed).to.equal(false);
    await talkPlain(plain, plainPeer);
  });

  it("gives it back when the peer closed first, asked in 'end'", async () => {
    const { ours, peer, peerTransport } = await wrappedPair(of);
    const theirs = unwrap(peer);
    ours.resume();
    await once(ours, 'end');
    const plain = await unwrap(ours);
    expect(await theirs).to.equal(peerTransport);
    await talkPlain(plain, await theirs);
  });

  it("gives it back when the peer closed first, asked after our TLSSocket's 'close'", async () => {
    const { ours, peer } = await wrappedPair(of);
    const theirs = unwrap(peer);
    ours.resume().end(); // both sides done: Node destroys the TLS socket
    await gone(ours);
    const plain = await unwrap(ours);
    await talkPlain(plain, await theirs);
  });

  it('gives the same again, to concurrent calls and to later ones', async () => {
    const { ours, peer, transport } = await wrappedPair(of);
    const [first, second, theirs] = await Promise.all([unwrap(ours), unwrap(ours), unwrap(peer)]);
    expect(first).to.equal(transport);
    expect(second).to.equal(transport);
    transport.on('data', () => {});
    await turns();
    expect(await unwrap(ours)).to.equal(transport);
    await gone(ours);
    expect(await unwrap(ours)).to.equal(transport);
    await turns();
    expect(transport.readableFlowing).to.equal(true); // a later call does not stop whoever reads by now
    expect(theirs.destroyed).to.equal(false);
  });

  it("goes on at step 2 after somebody's end()", async () => {
    const { ours, peer } = await wrappedPair(of);
    ours.end('last words');
    const text = once(peer, 'data');
    await once(ours, 'finish');
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    expect(String((await text)[0])).to.equal('last words');
    await talkPlain(plain, theirs);
  });

  for (const bidirectional of [false, true]) {
    it(`gives it back after gracefulShutdown() came to ${bidirectional ? 1 : 0}`, async () => {
      const { ours, peer } = await wrappedPair(of);
      const theirs = bidirectional ? unwrap(peer) : undefined;
      expect(await gracefulShutdown(ours, { bidirectional, unread: 'discard' })).to.equal(bidirectional ? 1 : 0);
      const [plain, plainPeer] = await Promise.all([unwrap(ours), theirs ?? unwrap(peer)]);
      await talkPlain(plain, plainPeer);
    });
  }

  it('follows watch(), getShutdown() and gracefulShutdown() by the same rules', async () => {
    const { ours, peer } = await wrappedPair(of);
    expect(watch(ours)).to.equal(ours);
    expect(getShutdown(ours)).to.deep.equal({ sent: 'open', received: 'open' });
    expect(await gracefulShutdown(ours)).to.equal(0);
    expect(getShutdown(ours)).to.deep.equal({ sent: 'close_notify', received: 'open' });
    const theirs = gracefulShutdown(peer, { bidirectional: true });
    expect(await gracefulShutdown(ours)).to.equal(1);
    expect(getShutdown(ours)).to.deep.equal(CLEAN);
    expect(await theirs).to.equal(1);
  });

  it('rejects after a quiet shutdown, which sent no alert, and the transport is destroyed', async () => {
    const { ours, peer, transport } = await wrappedPair(of);
    peer.resume();
    const quiet = gracefulShutdown(ours, { quiet: true });
    expect(await codeOf(unwrap(ours))).to.equal('ERR_TLS_SHUTDOWN_NOT_SENT');
    expect(transport.destroyed).to.equal(true);
    expect(await quiet).to.equal(1);
    expect(await codeOf(unwrap(ours))).to.equal('ERR_TLS_SHUTDOWN_NOT_SENT');
    expect(await codeOf(unwrap(peer))).to.match(/^ERR_TLS_SHUTDOWN_/);
  });

  it('rejects while a quiet shutdown flushes, which goes on and loses nothing', async () => {
    const { ours, peer, transport, relay, toPeer } = await wrappedPair(of);
    relay.stall(toPeer, true);
    ours.write(Buffer.alloc(20_000_000));
    const quiet = gracefulShutdown(ours, { quiet: true, timeout: Infinity });
    expect(await codeOf(unwrap(ours))).to.equal('ERR_TLS_SHUTDOWN_NOT_SENT');
    relay.stall(toPeer, false);
    expect((await readAll(peer)).length).to.equal(20_000_000);
    peer.destroy();
    expect(await quiet).to.equal(1);
    await gone(transport);
  });

  it('quiet ends the transport without an alert, and not only by destroying it', async () => {
    const { ours, relay, toPeer, transport } = await wrappedPair(of);
    const before = relay.records.length;
    const quiet = gracefulShutdown(ours, { quiet: true });
    await relay.until(() => relay.fins.includes(toPeer));
    expect([ours.destroyed, transport.destroyed]).to.deep.equal([false, false]);
    expect(relay.records.length).to.equal(before);
    transport.destroy();
    expect(await quiet).to.equal(1);
  });

  it("still sends our alert, and then the transport's FIN, after a peer's FIN without one", async () => {
    const { ours, relay, toUs, toPeer } = await wrappedPair(of);
    const sent = (): number => relay.records.filter(({ direction }) => direction === toPeer).length;
    const before = sent();
    relay.fin(toUs);
    ours.resume();
    await once(ours, 'end');
    ours.end();
    await relay.until(() => relay.fins.includes(toPeer));
    expect(sent()).to.equal(before + 1);
    expect(getShutdown(ours).sent).to.equal('close_notify');
  });

  it('flushes 5 MB first, and they arrive whole', async () => {
    const { ours, peer } = await wrappedPair(of);
    let received = 0;
    peer.on('data', (chunk: Buffer) => (received += chunk.length));
    ours.write(Buffer.alloc(5_000_000));
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    expect(received).to.equal(5_000_000);
    await talkPlain(plain, theirs);
  });

  it('leaves unread TLS data readable on the TLS socket, which is freed after it', async () => {
    const { ours, peer } = await wrappedPair(of);
    peer.write('not read yet');
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    await talkPlain(plain, theirs);
    expect(ours.destroyed).to.equal(false);
    expect(String(ours.read())).to.equal('not read yet');
    await gone(ours);
    expect(plain.destroyed).to.equal(false);
    await talkPlain(plain, theirs);
  });
});
