/** An answer reaches the client that is still uploading, and nobody takes a part of an upload for the whole. */
import { expect } from 'chai';
import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { Client, connectionHeaders, post } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, outcome, start, type App, type Origin, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

const ANSWER = 'x'.repeat(300_000);

for (const kind of HTTP1_KINDS) {
  const serve = (app: App): Promise<Origin> => start(makeServer(kind, app));

  describe(`drain, uploads to ${kind}`, () => {
    const NOT_READING: Record<string, (request: IncomingMessage) => void> = {
      'never reads it': () => {},
      'has paused it': (request) => void request.on('data', () => request.pause()),
      'pipes it to what is stuck': (request) => void request.pipe(new Writable({ write: () => {} })),
      "listens to 'readable' only": (request) => void request.on('readable', () => {}),
      'reads it': (request) => void request.resume(),
    };
    for (const [title, read] of Object.entries(NOT_READING)) {
      for (const readsMeanwhile of [true, false]) {
        it(`a client that uploads ${readsMeanwhile ? 'and reads' : 'before it reads'} gets the whole 413, when the application ${title}`, async () => {
          const later = new Later();
          const { drains, port } = await serve((request, response) => {
            read(request);
            later.add(() => response.writeHead(413, { 'content-length': ANSWER.length }).end(ANSWER));
          });
          const client = await Client.connect(port);
          const errors: Error[] = [];
          client.socket.on('error', (error) => errors.push(error));
          if (!readsMeanwhile) client.socket.pause();
          client.write(post('/', 20_000_000));
          const uploaded = new Promise<void>((resolve) => client.socket.write(Buffer.alloc(20_000_000), () => resolve()));
          await later.reaches(1);
          const drained = drains.drain();
          await told(drains);
          later.run();
          await uploaded;
          client.socket.resume();
          expect(outcome(await drained)).to.deep.equal(COMPLETE);
          await client.ended;
          expect(client.text.endsWith(`\r\n\r\n${ANSWER}`), client.text.slice(0, 300)).to.equal(true);
          expect(connectionHeaders(client)).to.deep.equal(['close']);
          expect(client.received).to.equal('close_notify');
          expect(errors).to.deep.equal([]);
        });
      }
    }

    it('an application that reads on after its answer gets the whole upload', async () => {
      const later = new Later();
      let received = 0;
      const { drains, port } = await serve((request, response) => {
        request.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', () => later.add(() => {}));
        later.add(() => response.end('the end'));
      });
      const client = await Client.connect(port, { habit: 'silent' });
      client.write(post('/', 5_000_000)).write(Buffer.alloc(1_000_000));
      await later.reaches(1);
      const drained = drains.drain();
      await told(drains);
      later.run();
      await client.ended;
      client.write(Buffer.alloc(4_000_000)).socket.end();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(received).to.equal(5_000_000);
    });

    it('an application that has stopped reading is told that the upload was aborted, not that it ended', async () => {
      const later = new Later();
      const events: string[] = [];
      const { drains, port } = await serve((request, response) => {
        request.on('data', () => request.pause());
        for (const event of ['end', 'aborted', 'error', 'close']) request.on(event, () => events.push(event));
        request.once('data', () => later.add(() => response.end('the end')));
      });
      const client = await Client.connect(port);
      client.write(post('/', 1_000_000)).write(Buffer.alloc(1_000_000));
      await later.reaches(1);
      const drained = drains.drain();
      await told(drains);
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await turns();
      expect(events).to.deep.equal(['aborted', 'error', 'close']);
      expect(client.text).to.match(/the end$/);
    });
  });
}
