/** A transport that becomes unusable after `wrap()`: the TLS socket fails as one of `tls.connect({ socket })` does, and the process goes on. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { gracefulShutdown, shutdown, unwrap } from '../../src/index.js';
import { turns } from '../support/pair.js';
import { codeOf, describeCases, gone, handshakes, listenersOf, readBytes, talkPlain, wrappedPair } from '../support/wrapped.js';

/** Somebody who changes what the transport gives out. */
function give(transport: Duplex, change: (chunk: Buffer) => unknown): void {
  const emit = transport.emit.bind(transport) as (name: string | symbol, ...args: unknown[]) => boolean;
  transport.emit = (name: string | symbol, ...args: unknown[]) => emit(name, ...(name === 'data' ? [change(args[0] as Buffer)] : args));
}

const SPOILERS: Record<string, (transport: Duplex) => unknown> = {
  'setEncoding() is called': (transport) => transport.setEncoding('utf8'),
  'text comes': (transport) => give(transport, String),
  'an object comes': (transport) => give(transport, () => ({ length: 7 })),
  'null comes': (transport) => give(transport, () => null),
  "a 'readable' listener is added": (transport) => transport.on('readable', () => {}),
  "a 'readable' listener is added, which reads": (transport) => transport.on('readable', () => void (transport.read() !== null && transport.read())),
  'it is iterated over': (transport) => {
    const iterator = transport[Symbol.asyncIterator]();
    iterator.next().catch(() => {});
  },
};

const VIEWS: Record<string, (chunk: Buffer) => unknown> = {
  'a Uint8Array': (chunk) => new Uint8Array(chunk),
  'a DataView': (chunk) => new DataView(chunk.buffer, chunk.byteOffset, chunk.length),
  'an ArrayBuffer': (chunk) => new Uint8Array(chunk).buffer,
  'a SharedArrayBuffer': (chunk) => {
    const shared = new SharedArrayBuffer(chunk.length);
    new Uint8Array(shared).set(chunk);
    return shared;
  },
};

describeCases('wrap, then spoiled', (of) => {
  for (const [what, spoil] of Object.entries(SPOILERS)) {
    it(`emits 'error' once, in a later tick, and is destroyed with its transport, when ${what}`, async () => {
      const { ours, peer, transport } = await wrappedPair(of);
      const errors: NodeJS.ErrnoException[] = [];
      ours.on('error', (error) => errors.push(error));
      spoil(transport);
      expect(errors).to.deep.equal([]);
      peer.write(Buffer.alloc(100_000));
      await Promise.all([gone(ours), gone(transport)]);
      await turns();
      expect(errors.map(({ code }) => code)).to.deep.equal(['ERR_STREAM_WRAP']);
      expect(await gracefulShutdown(ours)).to.equal(-1);
    });

    it(`emits 'error' when ${what} before the handshake`, async () => {
      const { ours, transport } = await wrappedPair({ ...of, early: true });
      spoil(transport);
      const [error] = (await once(ours, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).to.equal('ERR_STREAM_WRAP');
      await Promise.all([gone(ours), gone(transport)]);
    });

    it(`lets an unwrap that waits reject when ${what}`, async () => {
      const { ours, peer, transport } = await wrappedPair(of);
      const unwrapped = codeOf(unwrap(ours, { timeout: Infinity }));
      await turns();
      spoil(transport);
      peer.write('more');
      expect(await unwrapped).to.equal('ERR_TLS_SHUTDOWN_TRANSPORT');
      await Promise.all([gone(ours), gone(transport)]);
    });
  }

  for (const [what, view] of Object.entries(VIEWS)) {
    it(`takes ${what} for the bytes that it has`, async () => {
      const { ours, peer, transport } = await wrappedPair({ ...of, early: true });
      give(transport, view);
      await handshakes(ours, peer);
      peer.write(Buffer.alloc(100_000, 'TLS'));
      expect((await readBytes(ours, 100_000)).equals(Buffer.alloc(100_000, 'TLS'))).to.equal(true);
      const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
      theirs.write('plain');
      expect(String(await readBytes(plain, 5))).to.equal('plain');
    });
  }

  it("has nothing against a 'readable' listener and an encoding once TLS has ended, and is given back with both", async () => {
    const { ours, peer, transport, listenersBefore } = await wrappedPair(of);
    const theirs = unwrap(peer);
    expect((await shutdown(ours, { bidirectional: true, unread: 'discard' })).value).to.equal(1);
    await turns();
    transport.setEncoding('latin1').on('readable', () => {});
    (await theirs).write(Buffer.from([0xe9]));
    const plain = await unwrap(ours);
    expect(listenersOf(plain)).to.deep.equal({ ...listenersBefore, readable: 1 });
    while (plain.readableLength === 0) await once(plain, 'readable');
    expect(plain.read()).to.equal('é');
  });

  it('is given back with no listener more than before', async () => {
    const { ours, peer, listenersBefore } = await wrappedPair(of);
    const [plain, theirs] = await Promise.all([unwrap(ours), unwrap(peer)]);
    expect(listenersOf(plain)).to.deep.equal(listenersBefore);
    await talkPlain(plain, theirs);
  });
});
