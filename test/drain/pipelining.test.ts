/** What a client pipelines in a drain: answered if no answer had said `Connection: close` before it, and else never given to the application. */
import { expect } from 'chai';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BEHIND, Client, connectionHeaders, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, nextSocket, outcome, start, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

for (const kind of HTTP1_KINDS) {
  describe(`drain, pipelining to ${kind}`, () => {
    /** A connection with one request in work, in a drain, and what the application is given from then on. */
    async function inWork() {
      const given: (string | undefined)[] = [];
      const responses: ServerResponse[] = [];
      let later = new Later();
      const app = (request: IncomingMessage, response: ServerResponse): void => {
        given.push(request.url);
        responses.push(response);
        later.add(() => {});
      };
      const server = makeServer(kind, app);
      for (const event of ['upgrade', 'connect']) server.on(event, (request: IncomingMessage) => given.push(request.url));
      const origin = await start(server);
      const accepted = nextSocket(server);
      const client = await Client.connect(origin.port);
      const socket = await accepted;
      client.write(get('/1'));
      await later.reaches(1);
      later = new Later();
      const comes = async (data: string): Promise<void> => {
        const before = socket.bytesRead;
        client.write(data);
        while (socket.bytesRead < before + data.length) await turns(1);
        await turns();
      };
      return { ...origin, client, given, responses, comes, reaches: (count: number) => later.reaches(count) };
    }

    for (const [title, data] of Object.entries(BEHIND)) {
      for (const pieces of ['in one piece', 'one by one', 'with a request when the answer has ended']) {
        it(`gives nothing to the application behind an answer that closes: ${title}, ${pieces}`, async () => {
          const { drains, client, given, responses, comes } = await inWork();
          const drained = drains.drain({ grace: 10_000 });
          await told(drains);
          responses[0]!.write('the beginning, ');
          await client.until(/the beginning/);
          if (pieces === 'one by one') for (const piece of data.split(/(?<=\r\n\r\n)/)) await comes(piece);
          else await comes(data);
          responses[0]!.end('the end');
          if (pieces.startsWith('with')) client.write(get('/4'));
          expect((await drained).forced).to.equal(0);
          await client.ended;
          expect(given).to.deep.equal(['/1']);
          expect(client.text).to.match(/^HTTP.1.1 200 [^]*connection: close\r\n[^]*the end\r\n0\r\n\r\n$/i);
          expect(client.received).to.equal('close_notify');
        });
      }
    }

    for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2]] as const) {
      it(`answers three requests in their order when the headers are made in the order ${order.join()}, and says Connection: close on the last`, async () => {
        const { drains, client, responses, comes, reaches } = await inWork();
        const drained = drains.drain();
        await told(drains);
        client.write(get('/2') + get('/3'));
        await reaches(2);
        for (const index of order) {
          responses[index]!.writeHead(200, { 'content-length': 2 });
          await comes('\r\n');
        }
        for (const [index, response] of responses.entries()) response.end(`${index}.`);
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        await client.ended;
        expect(client.text).to.match(/\r\n\r\n0\.HTTP[^]*\r\n\r\n1\.HTTP[^]*\r\n\r\n2\.$/);
        expect(connectionHeaders(client)).to.deep.equal(['keep-alive', 'keep-alive', 'close']);
      });
    }

    it('gives no request to the application behind an answer that closes by itself, whose headers had left before the drain', async () => {
      const { drains, client, given, responses, comes } = await inWork();
      responses[0]!.setHeader('connection', 'close');
      responses[0]!.write('the beginning, ');
      await client.until(/the beginning/);
      const drained = drains.drain();
      await told(drains);
      await comes(get('/2') + get('/3'));
      responses[0]!.end('the end');
      client.write(get('/4'));
      expect((await drained).forced).to.equal(0);
      await client.ended;
      expect(given).to.deep.equal(['/1']);
      expect(client.text).to.match(/the end\r\n0\r\n\r\n$/);
      expect(client.received).to.equal('close_notify');
    });

    it('closes behind an answer that the application itself makes the last, though a later request has been given to it', async () => {
      const { drains, client, given, responses, reaches } = await inWork();
      const drained = drains.drain({ grace: 10_000 });
      await told(drains);
      client.write(get('/2'));
      await reaches(1);
      responses[0]!.writeHead(200, { connection: 'close', 'content-length': 7 }).end('the end');
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(given).to.deep.equal(['/1', '/2']);
      expect(client.text).to.match(/the end$/);
      expect(client.received).to.equal('close_notify');
    });

    it("closes a connection on which the application calls destroySoon() in the middle of an answer, as Node's own does", async () => {
      const { drains, client, responses } = await inWork();
      const drained = drains.drain({ grace: 10_000 });
      await told(drains);
      responses[0]!.write('the beginning');
      responses[0]!.socket!.destroySoon();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(client.text).to.match(/the beginning\r\n$/);
      expect(client.received).to.equal('close_notify');
    });
  });
}
