/** HTTP/1: no request and no answer is lost, and what can't be answered does not reach the application. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Client, connectionHeaders, get, post } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, nextSocket, outcome, start, stopped, type App, type Origin, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

for (const kind of HTTP1_KINDS) {
  const serve = (app: App): Promise<Origin> => start(makeServer(kind, app));

  describe(`drain, HTTP/1 of ${kind}`, () => {
    it('an answer in flight says Connection: close, since its headers were not sent yet', async () => {
      const later = new Later();
      const origin = await serve((_request, response) => later.add(() => response.end('the end')));
      const { drains, port } = origin;
      const client = await Client.connect(port);
      client.write(get());
      await later.reaches(1);
      const drained = drains.drain();
      await stopped(origin);
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(connectionHeaders(client)).to.deep.equal(['close']);
      expect(client.text).to.match(/the end$/);
      expect(client.received).to.equal('close_notify');
    });

    it('an answer whose headers are out is sent to its end, and then the connection is closed', async () => {
      const later = new Later();
      const { drains, port } = await serve((_request, response) => {
        response.setHeader('content-length', 20);
        response.write('the beginning');
        later.add(() => response.end('the end'));
      });
      const client = await Client.connect(port);
      await client.write(get()).until(/the beginning/);
      const drained = drains.drain();
      await told(drains);
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.ended;
      expect(connectionHeaders(client)).to.deep.equal(['keep-alive']);
      expect(client.text).to.match(/the beginningthe end$/);
      expect(client.received).to.equal('close_notify');
    });

    const body = { 'Content-Length': '7' };
    const OWN: Record<string, (response: ServerResponse) => void> = {
      setHeader: (response) => void response.setHeader('connection', 'keep-alive').setHeader('Content-Length', '7'),
      'setHeader with many values': (response) => void response.setHeader('CONNECTION', ['keep-alive', 'X-Other']).setHeader('Content-Length', '7'),
      'an object of writeHead': (response) => void response.writeHead(200, { ...body, connection: 'keep-alive' }),
      'an object of writeHead, with setHeader': (response) => void response.setHeader('a', 'b').writeHead(200, { ...body, Connection: 'Keep-Alive' }),
      'a reason and an object': (response) => void response.writeHead(200, 'Fine', { ...body, Connection: 'X-Other' }),
      'raw headers': (response) => void response.writeHead(200, ['Content-Length', '7', 'Connection', 'keep-alive', 'connection', 'x']),
      'raw headers, with setHeader': (response) => void response.setHeader('a', 'b').writeHead(200, ['Content-Length', '7', 'Connection', 'keep-alive']),
      'an array of pairs': (response) => void response.writeHead(200, [['Content-Length', '7'], ['Connection', 'keep-alive']] as never),
      'an upstream answer that is copied': (response) => void response.writeHead(200, Object.assign(Object.create(null), body, { connection: 'keep-alive', 'keep-alive': 'timeout=5' }) as Record<string, string>),
      'a removed header': (response) => void (response.removeHeader('connection'), response.setHeader('Content-Length', '7')),
      'writeHead a second time, after headers that Node refused': (response) => {
        expect(() => response.writeHead(200, { connection: 'keep-alive', x: '\n' })).to.throw();
        response.writeHead(200, { ...body, connection: 'keep-alive' });
      },
      'a setHeader of its own': (response) => {
        const { setHeader } = response;
        response.setHeader = (name, value) => (name === 'Connection' ? response : setHeader.call(response, name, value));
        setHeader.call(response, 'connection', 'keep-alive').setHeader('Content-Length', '7');
      },
    };
    for (const [title, set] of Object.entries(OWN)) {
      for (const minor of [1, 0]) {
        for (const when of ['before the drain', 'during the drain']) {
          it(`our Connection: close wins over ${title} of the application, for a request of HTTP/1.${minor} that came ${when}`, async () => {
            const later = new Later();
            const { drains, port } = await serve((_request, response) => later.add(() => (set(response), response.end('the end'))));
            const client = await Client.connect(port);
            let drained = when === 'during the drain' ? drains.drain({ idleGrace: 10_000 }) : undefined;
            if (drained !== undefined) await told(drains);
            client.write(`GET / HTTP/1.${minor}\r\nhost: x\r\nconnection: keep-alive\r\n\r\n`);
            await later.reaches(1);
            drained ??= drains.drain({ idleGrace: 10_000 });
            await told(drains);
            later.run();
            expect(outcome(await drained)).to.deep.equal(COMPLETE);
            await client.ended;
            expect(client.text.match(/^connection: .*$/gim)).to.deep.equal(['Connection: close']);
            expect(client.text).to.match(/content-length: 7\r\n[^]*\r\n\r\nthe end$/i);
            expect(client.received).to.equal('close_notify');
          });
        }
      }
    }

    it('leaves an answer alone that switches protocols', async () => {
      const later = new Later();
      const { drains, port } = await serve((_request, response) => later.add(() => response.writeHead(101, { connection: 'upgrade', upgrade: 'other' }).end()));
      const client = await Client.connect(port);
      client.write(get());
      await later.reaches(1);
      const drained = drains.drain();
      await told(drains);
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(connectionHeaders(client)).to.deep.equal(['upgrade']);
    });

    for (const before of ['its first request', 'its second request']) {
      for (const blank of ['\r\n', '\r\n\r\n', '\n']) {
        it(`a blank line ${JSON.stringify(blank)} before ${before} is no request: the connection is idle`, async () => {
          const server = makeServer(kind, (_request, response) => response.end('the end'));
          const { drains, port } = await start(server);
          const accepted = nextSocket(server);
          const client = await Client.connect(port);
          const socket = await accepted;
          if (before === 'its second request') await client.write(get()).until(/the end/);
          const read = socket.bytesRead;
          client.write(blank);
          while (socket.bytesRead < read + blank.length) await turns(1);
          expect(outcome(await drains.drain({ grace: 10_000, idleGrace: 0 }))).to.deep.equal(COMPLETE);
          expect(client.received).to.equal('close_notify');
        });

        it(`a blank line ${JSON.stringify(blank)} during the drain, before ${before}, does not hold the connection either`, async () => {
          const server = makeServer(kind, (_request, response) => response.end('the end'));
          const { drains, port } = await start(server);
          const client = await Client.connect(port);
          if (before === 'its second request') await client.write(get()).until(/the end/);
          const drained = drains.drain({ grace: 10_000, idleGrace: 50 });
          client.write(blank);
          expect(outcome(await drained)).to.deep.equal(COMPLETE);
          expect(client.received).to.equal('close_notify');
        });
      }
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
          await told(drains);
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
      await told(drains);
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
      await told(drains);
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
        await told(drains);
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
      await told(drains);
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
