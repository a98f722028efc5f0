/** Behind an answer that closes its connection, Node destroys the socket as soon as the answer is flushed. In a drain it waits for the client's end. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import net from 'node:net';
import { drainable, type DrainReport, type DrainableServer } from '../../src/index.js';
import { Client, get, post } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, makeServer, nextSocket, outcome, start, told, type App } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';
import { makePlainServer, PlainClient } from '../support/plain.js';

const CLOSES = get('/', 'connection: close\r\n');

/** When the answer to a client that has asked for `Connection: close` ends. */
const WHEN: Record<string, (response: ServerResponse, drain: () => void, drains: DrainableServer) => void> = {
  'right before the drain, and is flushed behind its beginning': (response, drain) => response.once('finish', drain).end('the end'),
  'in the turn of the drain': (response, drain) => (drain(), response.end('the end')),
  'in the turn of the drain, with its headers sent before': (response, drain) => {
    response.write('it begins, ');
    setImmediate(() => (drain(), response.end('the end')));
  },
  'when the listening has stopped': (response, drain, drains) => (drain(), void told(drains).then(() => response.end('the end'))),
};

for (const kind of HTTP1_KINDS) {
  describe(`drain, answers that close their connection, ${kind}`, () => {
    for (const [when, answer] of Object.entries(WHEN)) {
      for (const quiet of [false, true]) {
        it(`complete${quiet ? ', quietly' : ''}: the answer ends ${when}`, async () => {
          let drained: Promise<DrainReport> | undefined;
          const { drains, port } = await start(makeServer(kind, (_request, response) => answer(response, () => (drained = drains.drain({ quiet })), drains)));
          const client = await Client.connect(port, { habit: 'silent' });
          client.write(CLOSES);
          await client.ended;
          for (let i = 0; i < 20; i++) await turns(1); // Node would destroy the socket in the first of them
          client.socket.end();
          expect(outcome(await drained!)).to.deep.equal(COMPLETE);
          expect(client.text).to.match(/the end(\r\n0\r\n\r\n)?$/);
        });
      }
    }

    for (const [title, data] of Object.entries({
      'an upload that asks first': post('/2', 4, 'expect: 100-continue\r\n') + 'data',
      'an unknown expectation': get('/2', 'expect: something\r\n'),
      'a request without a host': 'GET /2 HTTP/1.1\r\n\r\n',
    })) {
      it(`Node itself answers nothing behind it: ${title}`, async () => {
        let drained: Promise<DrainReport> | undefined;
        const given: (string | undefined)[] = [];
        const { drains, port } = await start(makeServer(kind, (request, response) => {
          given.push(request.url);
          drained = drains.drain();
          response.setHeader('connection', 'close').once('finish', () => client.write(data)).end('the end'); // behind the call of destroySoon()
        }));
        const client = await Client.connect(port);
        client.write(get());
        await client.ended;
        expect(outcome(await drained!)).to.deep.equal(COMPLETE);
        expect(client.text).to.match(/^HTTP.1.1 200 [^]*the end$/);
        expect(client.text.match(/HTTP\/1/g)).to.have.length(1);
        expect(given).to.deep.equal(['/']);
      });
    }

    it('gives destroySoon back to a connection that is upgraded, and leaves alone what is not ours', async () => {
      const server = makeServer(kind);
      const own = (): void => {};
      server.on('upgrade', (_request, socket: net.Socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
      const { drains, port } = await start(server);
      const upgraded = async (put: boolean): Promise<net.Socket> => {
        const accepted = nextSocket(server);
        const client = await Client.connect(port);
        const socket = await accepted;
        if (put) socket.destroySoon = own;
        await client.write(get('/', 'connection: upgrade\r\nupgrade: other\r\n')).until(/101/);
        return socket;
      };
      const first = await upgraded(false);
      const second = await upgraded(true);
      const drained = drains.drain();
      expect(Object.hasOwn(first, 'destroySoon')).to.equal(false);
      expect(second.destroySoon).to.equal(own);
      expect(outcome(await drained)).to.deep.equal({ total: 2, complete: 2 });
    });
  });
}

describe('drain, answers that close their connection, http', () => {
  for (const [when, answer] of Object.entries(WHEN)) {
    it(`complete: the answer ends ${when}`, async () => {
      let drained: Promise<DrainReport> | undefined;
      const app: App = (_request, response) => answer(response, () => (drained = drains.drain()), drains);
      const server = makePlainServer('http', app);
      const drains = drainable(server, { idleGrace: 0 });
      const client = await PlainClient.connect(await listen(track(server)), 'silent');
      client.write(CLOSES);
      await client.ended;
      await turns(20);
      client.socket.end();
      expect(outcome(await drained!)).to.deep.equal(COMPLETE);
      expect(client.text).to.match(/the end(\r\n0\r\n\r\n)?$/);
    });
  }

  it('complete: a connection that comes in the turn of the drain, and is answered before the listening has stopped', async () => {
    const server = makePlainServer('http', (_request, response) => response.end('the end'));
    const drains = drainable(server, { idleGrace: 0 });
    await listen(track(server));
    const front = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const accepted = once(front, 'connection') as Promise<[net.Socket]>;
    const client = new PlainClient(await listen(front), 'silent');
    const written = new Promise<void>((resolve) => client.socket.write(CLOSES, () => resolve()));
    const [[socket]] = await Promise.all([accepted, written]);
    const drained = drains.drain();
    server.emit('connection', socket);
    expect(server.listening).to.equal(true);
    await client.ended;
    await turns(20);
    client.socket.end();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
  });
});

describe('drain, what has ended before', () => {
  it('does not count a connection that is destroyed when the drain begins, though it has not emitted close yet', async () => {
    const server = makeServer('tls');
    const { drains, port } = await start(server);
    const accepted = nextSocket(server);
    await Client.connect(port);
    const socket = await accepted;
    const raw = once(server, 'connection') as Promise<[net.Socket]>;
    const client = new Client(port);
    const [transport] = await raw;
    expect(drains.connections).to.equal(2);
    for (const one of [socket, transport]) one.destroy();
    expect(drains.connections).to.equal(0);
    expect(outcome(await drains.drain())).to.deep.equal({ total: 0 });
    client.raw.destroy();
  });
});

describe('drain, a reset behind the end', () => {
  it('failed, by TRANSPORT: a client that closes without having read our alert can have left an answer unread, too', async () => {
    const server = makeServer('https', (_request, response) => response.end('the end'));
    const { drains, port } = await start(server);
    const accepted = nextSocket(server);
    const client = await Client.connect(port);
    const socket = await accepted;
    await client.write(get()).until(/the end/);
    client.raw.pause();
    client.socket.pause();
    const ended = once(socket, 'finish');
    const drained = drains.drain();
    await ended;
    client.raw.destroy(); // as Node's agent does with a free socket on which something waits to be read
    expect(outcome(await drained)).to.deep.equal({ total: 1, failed: 1, TRANSPORT: 1 });
  });
});
