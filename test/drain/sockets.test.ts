import { expect } from 'chai';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import tls, { TLSSocket } from 'node:tls';
import { drainSockets, getShutdown, getShutdownError, watch, type DrainReport } from '../../src/index.js';
import { outcome } from '../support/origins.js';
import { certificate, closed, listen, makePair, track, turns, untrack, VERSIONS, type Pair } from '../support/pair.js';

async function rejection(drained: Promise<DrainReport>): Promise<unknown> {
  return drained.then(
    (report) => expect.fail(`resolved to ${JSON.stringify(report)}`),
    (error: unknown) => error,
  );
}

async function plainPair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const ours = track(net.connect(await listen(server), '127.0.0.1'));
  const [[peer]] = await Promise.all([accepted, once(ours, 'connect')]);
  return [ours, track(peer).on('error', () => {})];
}

for (const version of VERSIONS) {
  const pairOf = (): Promise<Pair> => makePair({ version, side: 'client' });
  const answering = async (how: 'end' | 'destroy'): Promise<Pair> => {
    const pair = await pairOf();
    pair.peer.resume().once('end', () => pair.peer[how]());
    return pair;
  };

  describe(`drainSockets, ${version}`, () => {
    it('settles at grace also where the destroy() of a socket is fixed', async () => {
      const { ours } = await pairOf();
      const { destroy } = ours;
      Object.defineProperty(ours, 'destroy', { value: (error?: Error) => destroy.call(ours, error) });
      expect(await drainSockets([ours], { grace: 50, idleGrace: 0 })).to.include({ total: 1, forced: 1 });
      expect(ours.destroyed).to.equal(true);
    });

    it('counts each kind of end once, whatever was given twice', async () => {
      const strict = await answering('end');
      const lax = await answering('destroy');
      const silent = await pairOf();
      const gone = await pairOf();
      const reset = closed(watch(gone.ours).on('error', () => {}));
      gone.relay.reset(gone.toUs); // a FIN, then the reset
      await reset;
      const destroyed = await pairOf();
      destroyed.ours.destroy();
      const sockets = [strict, lax, silent, gone, destroyed].map(({ ours }) => ours);
      const report = await drainSockets([...sockets, ...sockets], { timeout: 100 });
      expect(report).to.include({ total: 5, complete: 1, forced: 0 });
      expect(report.failed).to.be.within(2, 3); // TLS 1.2 hears of the reset, TLS 1.3 of the FIN
      expect(report.oneWay + report.failed).to.equal(4);
      expect(Object.values(report.errors).reduce((sum, count) => sum + count, 0)).to.equal(4);
      expect(report.errors).to.include({ ERR_TLS_SHUTDOWN_TIMEOUT: 1 });
      expect(getShutdownError(silent.ours)?.code).to.equal('ERR_TLS_SHUTDOWN_TIMEOUT');
      await turns();
      expect(sockets.map((socket) => socket.destroyed)).to.deep.equal(sockets.map(() => true));
    });

    for (const how of ['force', 'close'] as const) {
      it(`counts all and resolves when an own destroy() throws, and destroys every socket, when they are ${how === 'force' ? 'forced' : 'closed quietly'}`, async () => {
        const pairs = await Promise.all([1, 2, 3].map(() => (how === 'close' ? answering('destroy') : pairOf())));
        const sockets = pairs.map(({ ours }) => ours.on('error', () => {}));
        untrack(...sockets); // nor can the hook call it
        for (const socket of sockets) {
          socket.destroy = () => {
            throw new Error('own');
          };
        }
        const over = Promise.all(sockets.map(closed));
        const { total, oneWay, forced } = await drainSockets(sockets, how === 'force' ? { grace: 0 } : { quiet: true, timeout: 50 });
        expect(total).to.equal(3);
        if (how === 'force') expect(forced).to.equal(3);
        expect(oneWay).to.equal(0);
        await over;
      });
    }

    it('takes 1 for a socket that both sides had closed before', async () => {
      const { ours, peer } = await pairOf();
      watch(ours).resume();
      peer.resume().end();
      await once(ours, 'close');
      expect(outcome(await drainSockets([ours]))).to.deep.equal({ total: 1, complete: 1 });
    });

    it('flushes what was written, and throws away what nobody reads', async () => {
      const { ours, peer } = await pairOf();
      let received = 0;
      peer.on('data', (chunk: Buffer) => (received += chunk.length)).once('end', () => peer.end());
      peer.write(Buffer.alloc(1_000_000));
      ours.write(Buffer.alloc(1_000_000));
      expect(outcome(await drainSockets(new Set([ours])))).to.deep.equal({ total: 1, complete: 1 });
      expect(received).to.equal(1_000_000);
    });

    it('waits for a handshake that is under way, and then closes', async () => {
      const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version }, (socket) => socket.resume());
      const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false }));
      expect(outcome(await drainSockets([socket]))).to.deep.equal({ total: 1, complete: 1 });
      expect(getShutdown(socket)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
    });
  });
}

describe('drainSockets', () => {
  it('forces a socket whose handshake is not finished at the end of grace', async () => {
    const server = net.createServer((socket) => void track(socket).resume());
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1' })).on('error', () => {});
    const report = await drainSockets([socket], { grace: 30 });
    expect(report).to.include({ total: 1, forced: 1 });
    expect(socket.destroyed).to.equal(true);
  });

  it('counts a handshake that fails as failed', async () => {
    const server = net.createServer((socket) => void track(socket).on('error', () => {}).end('this is not TLS'));
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1' })).on('error', () => {});
    expect(await drainSockets([socket])).to.include({ total: 1, failed: 1 });
  });

  it('awaits finish for each socket', async () => {
    const { ours, peer } = await makePair({ version: 'TLSv1.3', side: 'client' });
    let text = '';
    peer.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).once('end', () => peer.end());
    expect(outcome(await drainSockets([ours], { finish: (socket) => void socket.write('QUIT') }))).to.deep.equal({ total: 1, complete: 1 });
    expect(text).to.equal('QUIT');
  });

  it('ends sockets with and without TLS in one report', async () => {
    const { ours, peer } = await makePair({ version: 'TLSv1.3', side: 'client' });
    peer.resume().once('end', () => peer.end());
    const [plain, other] = await plainPair();
    other.resume().once('end', () => other.end());
    expect(outcome(await drainSockets([ours, plain]))).to.deep.equal({ total: 2, complete: 2 });
    expect([ours.destroyed, plain.destroyed]).to.deep.equal([true, true]);
  });

  it('counts a plain socket as failed that is reset (TRANSPORT), whose peer does not end (TIMEOUT), or that somebody has destroyed (CLOSED)', async () => {
    const [reset, resetting] = await plainPair();
    const [silent] = await plainPair();
    const [destroyed] = await plainPair();
    destroyed.destroy();
    const drained = drainSockets([reset, silent, destroyed], { timeout: 100 });
    resetting.destroySoon = () => void resetting.destroy(); // its own sends a FIN before
    resetting.resetAndDestroy();
    expect(outcome(await drained)).to.deep.equal({ total: 3, failed: 3, CLOSED: 1, TRANSPORT: 1, TIMEOUT: 1 });
  });

  it('takes a plain socket for complete that both sides had ended before', async () => {
    const [plain, other] = await plainPair();
    const gone = once(plain, 'close');
    plain.resume().end();
    other.resume().end();
    await gone;
    expect(outcome(await drainSockets([plain]))).to.deep.equal({ total: 1, complete: 1 });
  });

  it('gives a socket to finish when its handshake is finished', async () => {
    const server = tls.createServer(certificate, (socket) => socket.resume());
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false }));
    const secure: boolean[] = [];
    expect(outcome(await drainSockets([socket], { finish: (one) => void secure.push((one as TLSSocket).getProtocol() !== null) }))).to.deep.equal({ total: 1, complete: 1 });
    expect(secure).to.deep.equal([true]);
  });

  it('has nothing to do for no sockets', async () => {
    expect(outcome(await drainSockets([]))).to.deep.equal({ total: 0 });
    expect(outcome(await drainSockets(new Set<TLSSocket>().values()))).to.deep.equal({ total: 0 });
  });

  for (const value of [undefined, null, 1, {}, new net.Socket()]) {
    it(`rejects with ERR_INVALID_ARG_TYPE for ${value?.constructor.name ?? value}, which is not iterable`, async () => {
      expect(await rejection(drainSockets(value as never))).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
    });
  }

  for (const value of [undefined, 'a', new EventEmitter()]) {
    it(`rejects for ${value?.constructor.name ?? value} among the sockets, before any of them is touched`, async () => {
      const { ours } = await makePair({ version: 'TLSv1.3', side: 'client' });
      expect(await rejection(drainSockets([ours, value as never]))).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
      await turns();
      expect(ours).to.include({ writableEnded: false, destroyed: false });
      expect(getShutdown(ours)).to.deep.equal({ sent: 'open', received: 'open' });
    });
  }
});
