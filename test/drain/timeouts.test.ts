/** From `drainable()` on a keep-alive connection that times out is closed, not dropped. */
import { expect } from 'chai';
import { once } from 'node:events';
import type http from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Client, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, makeServer, nextSocket, outcome, start, type App } from '../support/origins.js';

const answer: App = (_request, response) => response.end('the end');

for (const kind of HTTP1_KINDS) {
  describe(`time-out of an HTTP/1 connection of ${kind}, outside of a drain`, () => {
    const timing = async (timeout: number, app: App): Promise<{ server: http.Server; client: Client; socket: TLSSocket }> => {
      const server = makeServer(kind, app) as unknown as http.Server & Parameters<typeof start>[0];
      const { port } = await start(server);
      server.timeout = timeout;
      const accepted = nextSocket(server);
      const client = await Client.connect(port);
      return { server, client, socket: await accepted };
    };

    it('closes one that has sent nothing by close_notify, and frees it', async () => {
      const { client, socket } = await timing(50, answer);
      await once(socket, 'close');
      expect(client.received).to.equal('close_notify');
    });

    it('closes an idle one by close_notify after its keepAliveTimeout', async () => {
      const { server, client, socket } = await timing(0, answer);
      server.keepAliveTimeout = 50;
      await client.write(get()).until(/the end/);
      if (kind !== 'https') socket.setTimeout(50); // Node 20 and 22 have no such time-out there
      await once(socket, 'close');
      expect(client.received).to.equal('close_notify');
    });

    it("leaves it to the application's own 'timeout' listener", async () => {
      const { server, client, socket } = await timing(50, answer);
      const given = ((await once(server, 'timeout')) as [TLSSocket])[0];
      expect(given).to.equal(socket);
      expect(socket).to.include({ destroyed: false, writableEnded: false });
      await client.write(get()).until(/the end/);
    });

    it('drops one in mid-request, as Node does', async () => {
      const { client, socket } = await timing(50, () => {});
      client.write(get());
      await once(socket, 'close');
      await client.ended;
      expect(client.received).to.not.equal('close_notify');
    });

    it('ends one in a drain, too', async () => {
      const server = makeServer(kind, answer) as unknown as http.Server & Parameters<typeof start>[0];
      const { drains, port } = await start(server);
      server.timeout = 50;
      const client = await Client.connect(port);
      expect(outcome(await drains.drain({ idleGrace: Infinity }))).to.deep.equal(COMPLETE);
      expect(client.received).to.equal('close_notify');
    });
  });
}
