/** A plain server's connections over which the application puts TLS by itself: STARTTLS, or a server that makes its TLS sockets so. */
import { expect } from 'chai';
import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { drainable, type DrainOptions } from '../../src/index.js';
import { Client } from '../support/clients.js';
import { COMPLETE, outcome } from '../support/origins.js';
import { certificate, listen, track, turns, VERSIONS, type Version } from '../support/pair.js';

async function serve(version: Version, options: DrainOptions = {}) {
  const server = net.createServer((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, ...certificate, minVersion: version, maxVersion: version });
    raw.on('error', () => {});
    socket.on('error', () => {}).write('hello');
  });
  return { drains: drainable(server, { ...options }), port: await listen(server) };
}

for (const version of VERSIONS) {
  describe(`drain of a net.Server whose application makes the TLS sockets, ${version}`, () => {
    it('complete: TLS ends by a two-way shutdown', async () => {
      const { drains, port } = await serve(version);
      const client = await Client.connect(port);
      await client.until(/hello/);
      expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
      expect(client.received).to.equal('close_notify');
    });

    it('oneWay: the peer answers by a bare FIN', async () => {
      const { drains, port } = await serve(version);
      const client = await Client.connect(port, { habit: 'lax' });
      await client.until(/hello/);
      expect(await drains.drain()).to.include({ total: 1, oneWay: 1 });
    });

    it('finish is given the TLS socket', async () => {
      const { drains, port } = await serve(version, { finish: (socket) => void socket.write(`goodbye by ${socket.constructor.name}`) });
      const client = await Client.connect(port);
      await client.until(/hello/);
      expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
      expect(client.text).to.equal('hellogoodbye by TLSSocket');
    });

    it('a handshake that never ends is dropped after timeout', async () => {
      const { drains, port } = await serve(version, { timeout: 50 });
      const client = new Client(port);
      await new Promise((resolve) => client.raw.once('connect', resolve));
      while (drains.connections === 0) await turns(1);
      expect(outcome(await drains.drain())).to.deep.equal({ total: 1, failed: 1, IN_HANDSHAKE: 1 });
    });

    it('forced: what does not end in grace', async () => {
      const { drains, port } = await serve(version, { grace: 20, finish: () => new Promise(() => {}) });
      const client = await Client.connect(port);
      await client.until(/hello/);
      expect(outcome(await drains.drain())).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    });
  });
}

describe('drain of a net.Server with connections of both kinds', () => {
  it('complete: those without TLS end in order, one by one', async () => {
    const server = net.createServer((raw) => {
      raw.once('data', (data) => {
        if (String(data) !== 'STARTTLS') return void raw.write('plain');
        raw.write('go');
        const socket = new TLSSocket(raw, { isServer: true, ...certificate });
        return void socket.on('error', () => {}).write('hello');
      });
    });
    const drains = drainable(server);
    const port = await listen(server);
    const plain = track(net.connect(port, '127.0.0.1'));
    plain.write('?');
    await new Promise((resolve) => plain.once('data', resolve));
    const client = new Client(port);
    client.raw.write('STARTTLS');
    await new Promise((resolve) => client.raw.once('data', resolve));
    await client.handshake();
    await client.until(/hello/);
    expect(outcome(await drains.drain())).to.deep.equal({ total: 2, complete: 2 });
    expect([client.received, plain.readableEnded]).to.deep.equal(['close_notify', true]);
  });
});
