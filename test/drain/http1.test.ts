/** HTTP/1: no request and no answer is lost, and what can't be answered does not reach the application. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Client, connectionHeaders, get, post } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, outcome, start, type App, type Origin } from '../support/origins.js';
import { turns } from '../support/pair.js';


for (const kind of HTTP1_KINDS) {
  const serve = (app: App): Promise<Origin> => start(makeServer(kind, app));

  describe(`drain, HTTP/1 of ${kind}`, () => {
    it('an answer in flight says Connection: close, since its headers were not sent yet', async () => {
      const later = new Later();
      const { drains, port } = await serve((_request, response) => later.add(() => response.end('the end')));
      const client = await Client.connect(port);
      client.write(get());
      await later.reaches(1);
      const drained = drains.drain();
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(connectionHeaders(client)).to.deep.equal(['close']);
      expect(client.text).to.match(/the end$/);
      expect(client.received).to.equal('close_notify');
    });

    for (const [title, headers, connection] of [
      ['whose headers are out', undefined, 'keep-alive'],
      ["that has the application's own Connection: keep-alive", { connection: 'keep-alive' }, 'keep-alive'],
      ["that has the application's own Connection: X-Other", { connection: 'X-Other' }, 'X-Other'],
    ] as const) {
      it(`an answer ${title} is sent to its end, and then the connection is closed`, async () => {
        const later = new Later();
        const { drains, port } = await serve((_request, response) => {
          response.setHeader('content-length', 20);
          if (headers === undefined) response.write('the beginning');
          later.add(() => (headers && response.writeHead(200, headers), response.end(headers === undefined ? 'the end' : 'the beginningthe end')));
        });
        const client = await Client.connect(port);
        client.write(get());
        await later.reaches(1);
        if (headers === undefined) await client.until(/the beginning/);
        const drained = drains.drain();
        await turns();
        later.run();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        await client.ended;
        expect(connectionHeaders(client)).to.deep.equal([connection]);
        expect(client.text).to.match(/the beginningthe end$/);
        expect(client.received).to.equal('close_notify');
      });
    }

    for (const order of ['first', 'last'] as const) {
      it(`two pipelined requests are both answered, the ${order} one first, and only the last answer says Connection: close`, async () => {
        const responses: ServerResponse[] = [];
        const later = new Later();
        const { drains, port } = await serve((_request, response) => (responses.push(response), later.add(() => {})));
        const client = await Client.connect(port);
        client.write(get('/1') + get('/2'));
        await later.reaches(2);
        const drained = drains.drain();
        for (const index of order === 'first' ? [0, 1] : [1, 0]) {
          await turns();
          responses[index]!.end(`answer ${index + 1}.`);
        }
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        await client.ended;
        expect(client.text).to.match(/answer 1\.[^]*answer 2\.$/);
        expect(connectionHeaders(client)).to.deep.equal(['keep-alive', 'close']);
      });
    }

    it('a request that is pipelined during the drain is answered, though the one before it was to be the last', async () => {
      const responses: ServerResponse[] = [];
      let later = new Later();
      const { drains, port } = await serve((_request, response) => (responses.push(response), later.add(() => {})));
      const client = await Client.connect(port);
      client.write(get('/1'));
      await later.reaches(1);
      const drained = drains.drain();
      await turns();
      later = new Later();
      client.write(get('/2'));
      await later.reaches(1);
      for (const response of responses) response.end('answer.');
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(client.text).to.match(/answer\.[^]*answer\.$/);
      expect(connectionHeaders(client)).to.deep.equal(['keep-alive', 'close']);
    });

    it('an upload that was asked for by Expect: 100-continue is received and answered', async () => {
      const later = new Later();
      const { drains, port } = await serve((request, response) => (request.resume().on('end', () => response.end('the end')), later.add(() => {})));
      const client = await Client.connect(port);
      client.write(post('/', 4, 'expect: 100-continue\r\n'));
      await Promise.all([later.reaches(1), client.until(/100 Continue/)]);
      const drained = drains.drain();
      await turns();
      client.write('data');
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(connectionHeaders(client)).to.deep.equal(['close']);
      expect(client.text).to.match(/the end$/);
    });

    for (const allowed of [true, false]) {
      it(`a request that waits in 'checkContinue' is ${allowed ? 'allowed to upload' : 'refused'}, and answered`, async () => {
        const later = new Later();
        const { server, drains, port } = await serve(() => {});
        server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
          later.add(() => {
            if (allowed) response.writeContinue();
            if (allowed) request.resume().on('end', () => response.end('the end'));
            else response.writeHead(417, { 'content-length': 7 }).end('the end');
          }),
        );
        const client = await Client.connect(port);
        client.write(post('/', 4, 'expect: 100-continue\r\n'));
        await later.reaches(1);
        const drained = drains.drain();
        await turns();
        later.run();
        if (allowed) await client.until(/100 Continue/);
        if (allowed) client.write('data');
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        await client.ended;
        expect(connectionHeaders(client)).to.deep.equal(['close']);
        expect(client.text).to.match(/the end$/);
      });
    }

    it('an idle connection gets one more request answered within idleGrace, with Connection: close', async () => {
      let requests = 0;
      const { drains, port } = await serve((_request, response) => response.end(`answer ${++requests}.`));
      const client = await Client.connect(port);
      await client.write(get()).until(/answer 1/);
      const drained = drains.drain({ idleGrace: 10_000 });
      await turns(5);
      expect(client.received).to.equal('open');
      client.write(get());
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(client.text).to.match(/answer 2\.$/);
      expect(connectionHeaders(client)).to.deep.equal(['keep-alive', 'close']);
    });

    it('an idle connection is closed when idleGrace is over and no request came', async () => {
      const { drains, port } = await serve((_request, response) => response.end('the end'));
      const client = await Client.connect(port);
      await client.write(get()).until(/the end/);
      const report = await drains.drain({ idleGrace: 50 });
      expect(outcome(report)).to.deep.equal(COMPLETE);
      expect(report.elapsed).to.be.at.least(49);
      expect(client.received).to.equal('close_notify');
    });

    it("a request that comes after our alert does not reach the application, since it can't be answered", async () => {
      const urls: (string | undefined)[] = [];
      const { server, drains, port } = await serve((request, response) => (urls.push(request.url), response.end('the end')));
      const accepted = once(server, 'secureConnection');
      const client = await Client.connect(port, { habit: 'silent' });
      const [socket] = await accepted;
      await client.write(get('/before')).until(/the end/);
      const drained = drains.drain();
      await client.ended;
      const before = socket.bytesRead;
      client.write(post('/after', 10)).write('0123456789').write(get('/after-that'));
      client.socket.end();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(socket.bytesRead).to.be.greaterThan(before);
      expect(urls).to.deep.equal(['/before']);
    });
  });
}
