/** Methods that a tool for monitoring has defined by a getter, or as such that can't be assigned to: a drain goes as ever. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { drainable, drainAgent, drainSockets } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { WAYS, define } from '../support/defined-methods.js';
import { application, COMPLETE, HTTP1_KINDS, KINDS, Later, makeServer, onUpgrade, outcome, start, told } from '../support/origins.js';
import { listen, track } from '../support/pair.js';

for (const way of Object.keys(WAYS)) {
  describe(`where a method is ${way}`, () => {
    for (const kind of KINDS) {
      it(`a drain is complete: emit of a server of kind ${kind}`, async () => {
        const server = makeServer(kind);
        const calls = define(server, 'emit', way);
        const { drains, port } = await start(server);
        await Client.connect(port);
        expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
        expect(calls()).to.be.greaterThan(1);
      });
    }

    for (const kind of HTTP1_KINDS) {
      it(`a drain is complete: destroySoon, push, _write and _writev of a connection, ${kind}`, async () => {
        const later = new Later();
        const server = makeServer(kind, application(later));
        server.on('secureConnection', (socket: Socket) => ['destroySoon', 'push', '_write', '_writev'].forEach((name) => define(socket, name, way)));
        const { drains, port } = await start(server);
        const client = await Client.connect(port);
        client.write(get('/last'));
        await later.reaches(1);
        const drained = drains.drain();
        await told(drains);
        later.run();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(client.text).to.match(/the end$/);
      });

      it(`a drain is complete: _write and _writev of a connection that is upgraded in it, ${kind}`, async () => {
        const server = makeServer(kind);
        let answer = (): void => {};
        server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
          for (const name of ['_write', '_writev']) define(socket, name, way);
          answer = () => onUpgrade(request, socket);
        });
        const { drains, port } = await start(server);
        const client = await Client.connect(port);
        client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
        await once(server, 'upgrade');
        const drained = drains.drain();
        await told(drains);
        answer();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(client.text).to.match(/^HTTP.1.1 101/);
      });
    }

    it('a drain of plain sockets is complete, and gives push back', async () => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => void socket.resume().on('end', () => socket.end()));
      const socket = track(net.connect({ port: await listen(server), host: '127.0.0.1' }));
      await once(socket, 'connect');
      define(socket, 'push', way);
      const own = Object.getOwnPropertyDescriptor(socket, 'push');
      const report = await drainSockets([socket.resume()], { finish: () => {} });
      expect(outcome(report)).to.deep.equal(COMPLETE);
      expect(Object.getOwnPropertyDescriptor(socket, 'push')).to.deep.equal(own);
    });

    it('a drain of an agent is complete: destroy and destroySoon of its socket', async () => {
      const later = new Later();
      const port = await listen(makeServer('https', application(later)).on('secureConnection', (socket) => track(socket)));
      const agent = track(new https.Agent({ keepAlive: true, rejectUnauthorized: false }));
      const request = https.get({ agent, port, host: '127.0.0.1', path: '/later' });
      const [socket] = (await once(request, 'socket')) as [Socket];
      await later.reaches(1);
      for (const name of ['destroy', 'destroySoon']) define(socket, name, way);
      const drained = drainAgent(agent);
      const [response] = (await Promise.all([once(request, 'response'), later.run()]))[0] as [IncomingMessage];
      response.resume();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(socket.destroyed).to.equal(true);
    });
  });
}

it("drainable gives a server's own emit, which it calls", () => {
  const server = makeServer('https');
  define(server, 'emit', 'a getter');
  drainable(server);
  expect(server.emit('other')).to.equal(false);
});
