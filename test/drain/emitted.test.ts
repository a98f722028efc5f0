/** What an application emits on its server by itself is its own: it passes as it is. */
import { expect } from 'chai';
import { EventEmitter } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { drainable } from '../../src/index.js';
import { Client, connectionHeaders, get, post } from '../support/clients.js';
import { COMPLETE, KINDS, makeServer, outcome, serve, start, told } from '../support/origins.js';

const EVENTS = ['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect', 'timeout', 'clientError', 'session', 'connection', 'secureConnection', 'listening', 'close', 'other'];
const foreign = (): [string, unknown[]][] => {
  const request = new http.IncomingMessage(new Socket());
  return [
    ['nothing', []],
    ['null', [null, null]],
    ['numbers', [1, 2]],
    ['plain objects', [{}, {}]],
    ['an emitter', [new EventEmitter(), new EventEmitter()]],
    ['a request without a socket', [{ httpVersionMajor: 1 }, {}]],
    ['a request that is not of this server', [request, new http.ServerResponse(request)]],
    ['three of them', [request, new http.ServerResponse(request), Buffer.alloc(1)]],
  ];
};

for (const kind of KINDS) {
  describe(`a drainable server of kind ${kind}`, () => {
    for (const draining of [false, true]) {
      for (const [title, args] of foreign()) {
        it(`passes every event on whose arguments are ${title}${draining ? ', in a drain' : ''}`, async () => {
          const server = makeServer(kind);
          const drains = drainable(server);
          if (draining) await drains.drain();
          for (const event of EVENTS) {
            server.removeAllListeners(event); // Node's own may not bear it
            const given: unknown[][] = [];
            server.on(event, (...got: unknown[]) => given.push(got));
            expect(server.emit(event, ...args), event).to.equal(true);
            expect(given, event).to.deep.equal([args]);
          }
          expect(drains.draining).to.equal(draining);
          expect(drains.connections).to.equal(0);
        });
      }
    }
  });
}

describe('a request that the application emits again', () => {
  it("counts once: from 'checkContinue' to 'request'", async () => {
    const { server, drains, port } = await serve((request: IncomingMessage, response: ServerResponse) => void request.resume().on('end', () => response.end('the end')));
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      server.emit('request', request, response);
    });
    const client = await Client.connect(port);
    const drained = drains.drain({ idleGrace: 10_000 });
    await told(drains);
    client.write(post('/', 4, 'expect: 100-continue\r\n'));
    await client.until(/100 Continue/);
    client.write('data');
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(connectionHeaders(client)).to.deep.equal(['close']);
    expect(client.text).to.match(/the end$/);
  });

  it('is served by another server that it is handed to', async () => {
    const other = makeServer('https', (_request, response) => response.end('the end'));
    drainable(other);
    const { drains, port } = await start(makeServer('https', (request, response) => void other.emit('request', request, response)));
    const client = await Client.connect(port);
    await client.write(get()).until(/the end/);
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
  });
});
