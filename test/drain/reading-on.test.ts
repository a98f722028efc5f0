/** Node stops to read a connection while too much waits to be answered. Behind an answer that closes it waits for ever, and the client's end has to be seen all the same. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type net from 'node:net';
import { drainable } from '../../src/index.js';
import { BEHIND, Client, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, outcome, told } from '../support/origins.js';
import { listen } from '../support/pair.js';
import { makePlainServer, PlainClient } from '../support/plain.js';

for (const kind of [...HTTP1_KINDS, 'http'] as const) {
  describe(`drain of a connection that Node has stopped to read, ${kind}`, () => {
    /** Two requests in work. A big answer to the second waits behind the first. */
    async function waiting(habit: 'strict' | 'silent') {
      const given: (string | undefined)[] = [];
      const responses: ServerResponse[] = [];
      const later = new Later();
      const app = (request: IncomingMessage, response: ServerResponse): void => {
        given.push(request.url);
        responses.push(response);
        later.add(() => {});
      };
      const server: net.Server = kind === 'http' ? makePlainServer(kind, app) : makeServer(kind, app);
      for (const event of ['upgrade', 'connect']) server.on(event, (request: IncomingMessage) => given.push(request.url)); // else Node destroys the socket
      const drains = drainable(server, { grace: 10_000 });
      const accepted = once(server, kind === 'http' ? 'connection' : 'secureConnection') as Promise<[net.Socket]>;
      const port = await listen(server);
      const client = kind === 'http' ? await PlainClient.connect(port, habit) : await Client.connect(port, { habit });
      const [socket] = await accepted;
      client.write(get('/1') + get('/2'));
      await later.reaches(2);
      responses[1]!.end(Buffer.alloc(1_000_000));
      const close = (): void => void responses[0]!.writeHead(200, { connection: 'close', 'content-length': 7 }).end('the end');
      return { drains, client, socket, given, close, reaches: (count: number) => later.reaches(count) };
    }

    it('sees the end of a client whose request had made Node stop before', async () => {
      const { drains, client, socket, given, close, reaches } = await waiting('strict');
      client.write(get('/3'));
      await reaches(3);
      expect(socket.isPaused()).to.equal(true);
      const drained = drains.drain();
      await told(drains);
      close();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(given).to.deep.equal(['/1', '/2', '/3']);
      expect(client.text).to.match(/the end$/);
    });

    for (const [title, data] of Object.entries(BEHIND)) {
      it(`sees the end of a client that sends, behind our own end, ${title}`, async () => {
        const { drains, client, given, close } = await waiting('silent');
        const drained = drains.drain();
        await told(drains);
        close();
        await client.ended;
        client.write(data);
        client.socket.end();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(given).to.deep.equal(['/1', '/2']);
        expect(client.text).to.match(/the end$/);
      });
    }
  });
}
