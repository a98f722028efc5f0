/** Connections whose protocol is not known to a drain: `finish` says goodbye in it. */
import { expect } from 'chai';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { getShutdownError } from '../../src/index.js';
import { Client } from '../support/clients.js';
import { application, COMPLETE, HTTP1_KINDS, Later, makeServer, nextSocket, onUpgrade, outcome, start, type Kind, type Origin, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

interface Open extends Origin {
  readonly client: Client;
  readonly socket: TLSSocket;
}

const REQUESTS = { upgraded: 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n', CONNECT: 'CONNECT y:1 HTTP/1.1\r\nhost: y:1\r\n\r\n' };

async function open(kind: Kind, request?: string): Promise<Open> {
  const server = makeServer(kind);
  server.on('upgrade', onUpgrade).on('connect', onUpgrade).on('secureConnection', (socket) => socket.on('error', () => {}));
  const origin = await start(server);
  const accepted = nextSocket(server);
  const client = await Client.connect(origin.port);
  if (request !== undefined) await client.write(request).until(/\r\n\r\n$/);
  return { ...origin, client, socket: await accepted };
}

const OPENINGS: [string, () => Promise<Open>][] = [
  ['plain tls.Server', () => open('tls')],
  ...HTTP1_KINDS.flatMap((kind) => Object.entries(REQUESTS).map(([name, request]): [string, () => Promise<Open>] => [`${name} socket of ${kind}`, () => open(kind, request)])),
];

for (const [title, begin] of OPENINGS) {
  describe(`finish, ${title}`, () => {
    it('is awaited with the very socket, and close_notify comes behind its goodbye', async () => {
      const { drains, client, socket } = await begin();
      let given: unknown;
      let release = (): void => {};
      const drained = drains.drain({
        finish: async (one) => {
          given = one;
          one.write('good');
          await new Promise<void>((resolve) => (release = resolve));
          one.write('bye');
        },
      });
      await client.until(/good$/);
      await turns(5);
      expect(client.received).to.equal('open');
      release();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(given).to.equal(socket);
      expect(client.text).to.match(/goodbye$/);
      expect(client.received).to.equal('close_notify');
    });

    for (const how of ['throws', 'rejects'] as const) {
      it(`counts as failed (ERR_TLS_SHUTDOWN_FINISH, with its cause) when it ${how}, and the client gets close_notify all the same`, async () => {
        const { drains, client, socket } = await begin();
        const cause = new Error('mine');
        const finish = (): Promise<void> => {
          if (how === 'throws') throw cause;
          return Promise.reject(cause);
        };
        expect(outcome(await drains.drain({ finish }))).to.deep.equal({ total: 1, failed: 1, FINISH: 1 });
        expect(getShutdownError(socket)).to.include({ code: 'ERR_TLS_SHUTDOWN_FINISH', cause });
        await client.ended;
        expect(client.received).to.equal('close_notify');
      });
    }

    it('is forced at the end of grace when it is never done', async () => {
      const { drains, socket } = await begin();
      expect(outcome(await drains.drain({ finish: () => new Promise(() => {}), grace: 30 }))).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
      expect(socket.destroyed).to.equal(true);
    });

    it('may end the socket itself', async () => {
      const { drains, client } = await begin();
      expect(outcome(await drains.drain({ finish: (socket) => void socket.end('goodbye') }))).to.deep.equal(COMPLETE);
      expect(client.text).to.match(/goodbye$/);
    });

    it('counts as failed when it destroys the socket', async () => {
      const { drains } = await begin();
      expect(outcome(await drains.drain({ finish: (socket) => void socket.destroy() }))).to.deep.equal({ total: 1, failed: 1, CLOSED: 1 });
    });
  });
}

describe('finish, an HTTP connection', () => {
  it('is not asked for one that waits for a request', async () => {
    const { drains } = await open('https');
    const asked: unknown[] = [];
    expect(outcome(await drains.drain({ finish: (socket) => void asked.push(socket) }))).to.deep.equal(COMPLETE);
    expect(asked).to.deep.equal([]);
  });

  it('is asked for one that is upgraded during the drain', async () => {
    const server = makeServer('https');
    let upgrade = (): void => {};
    const upgrading = new Promise<void>((resolve) => {
      server.on('upgrade', (request, socket: Duplex) => {
        upgrade = () => onUpgrade(request, socket);
        resolve();
      });
    });
    const { drains, port } = await start(server);
    const client = await Client.connect(port);
    const drained = drains.drain({ idleGrace: Infinity, finish: (socket) => void socket.write('goodbye') });
    await told(drains);
    client.write(REQUESTS.upgraded);
    await upgrading;
    upgrade();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(client.text).to.match(/101 [^]*goodbye$/);
  });

  for (const how of ['at once', 'later']) {
    for (const [name, request] of Object.entries(REQUESTS)) {
      it(`comes behind the answer to ${name} that the application gives ${how} during the drain`, async () => {
        const server = makeServer('https');
        const later = new Later();
        const answer = (incoming: IncomingMessage, socket: Duplex): void => (how === 'later' ? later.add(() => onUpgrade(incoming, socket)) : onUpgrade(incoming, socket));
        server.on('upgrade', answer).on('connect', answer);
        const { drains, port } = await start(server);
        const client = await Client.connect(port);
        const drained = drains.drain({ idleGrace: Infinity, finish: (socket) => void socket.write('goodbye') });
        await told(drains);
        client.write(request);
        if (how === 'later') {
          await later.reaches(1);
          await turns(5);
          later.run();
        }
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(client.text).to.match(/^HTTP.1.1 (101|200) [^]*\r\n\r\ngoodbye$/);
      });
    }
  }

  for (const [name, request] of Object.entries(REQUESTS)) {
    for (const by of ['write()', 'a kept write', 'end()', 'an empty end()']) {
      it(`waits for the answer to ${name}, by ${by}, that is still to come when the drain begins`, async () => {
        const server = makeServer('https');
        const later = new Later();
        const answer = (incoming: IncomingMessage, socket: Duplex): void =>
{
          const write = socket.write.bind(socket);
          later.add(() => {
            if (by === 'write()') onUpgrade(incoming, socket);
            else if (by === 'an empty end()') socket.end();
            else if (by === 'end()') socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
            else write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
          });
        };
        server.on('upgrade', answer).on('connect', answer);
        const { drains, port } = await start(server);
        const client = await Client.connect(port);
        client.write(request);
        await later.reaches(1);
        const asked: boolean[] = [];
        const drained = drains.drain({ finish: ({ writable }) => void asked.push(writable) });
        await told(drains);
        expect(client.received).to.equal('open');
        expect(asked).to.deep.equal([]);
        later.run();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(asked).to.deep.equal(by.endsWith('end()') ? [] : [true]);
        if (by === 'an empty end()') expect(client.text).to.equal('');
        else expect(client.text).to.match(by === 'end()' ? /^HTTP.1.1 403 / : /^HTTP.1.1 (101|200) /);
      });
    }

    it(`is forced at the end of grace when the answer to ${name} never comes`, async () => {
      const server = makeServer('https');
      const later = new Later();
      server.on('upgrade', () => later.add(() => {})).on('connect', () => later.add(() => {}));
      const { drains, port } = await start(server);
      const client = await Client.connect(port);
      client.write(request);
      await later.reaches(1);
      expect(outcome(await drains.drain({ grace: 30 }))).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    });
  }

  it('destroySoon() in place of an answer closes the connection, also behind an earlier answer of the drain', async () => {
    const later = new Later();
    const server = makeServer('https', application(later));
    server.on('upgrade', (_request, socket: TLSSocket) => socket.destroySoon());
    const { drains, port } = await start(server);
    const client = await Client.connect(port);
    client.write('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n');
    await later.reaches(1);
    const drained = drains.drain({ idleGrace: 9000, grace: 10_000 });
    later.run();
    await client.until(/the end\r\n0\r\n\r\n$/);
    client.write(REQUESTS.upgraded);
    expect((await drained).forced).to.equal(0);
  });
});
