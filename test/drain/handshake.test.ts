/** A handshake that never finishes holds no drain up for longer than `timeout`. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { drainSockets } from '../../src/index.js';
import { Client } from '../support/clients.js';
import { COMPLETE, KINDS, makeServer, nextConnection, outcome, start } from '../support/origins.js';
import { listen, track } from '../support/pair.js';

for (const kind of KINDS) {
  describe(`drain in the handshake, ${kind}`, () => {
    for (const when of ['before the drain', 'while the drain stops the listening'] as const) {
      it(`is dropped after timeout, and failed (IN_HANDSHAKE), when it never finishes and came ${when}`, async () => {
        const { server, drains, port } = await start(makeServer(kind).on('tlsClientError', () => {}));
        const accepted = nextConnection(server);
        const client = new Client(port);
        const closed = once(client.raw, 'close');
        client.raw.resume().once('end', () => client.raw.end());
        if (when === 'before the drain') await accepted;
        else await once(client.raw, 'connect');
        const report = await drains.drain({ timeout: 50, grace: 10_000 });
        expect(outcome(report)).to.deep.equal({ total: 1, failed: 1, IN_HANDSHAKE: 1 });
        expect(report.elapsed).to.be.within(49, 5000);
        await closed;
      });
    }

    it('goes on as usual when it is finished within timeout', async () => {
      const { server, drains, port } = await start(makeServer(kind).on('secureConnection', (socket) => socket.resume()));
      const accepted = nextConnection(server);
      const client = new Client(port, kind === 'http2' ? { ALPNProtocols: ['h2'] } : {});
      await accepted;
      const drained = drains.drain({ timeout: 10_000 });
      await client.handshake();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
    });
  });
}

describe('drainSockets in the handshake', () => {
  it('drops a socket after timeout, and counts it as failed (IN_HANDSHAKE)', async () => {
    const server = net.createServer((socket) => void track(socket).on('error', () => {}).resume());
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1' })).on('error', () => {});
    expect(outcome(await drainSockets([socket], { timeout: 50, grace: 10_000 }))).to.deep.equal({ total: 1, failed: 1, IN_HANDSHAKE: 1 });
    expect(socket.destroyed).to.equal(true);
  });
});
