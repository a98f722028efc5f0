/** An upgrade that is asked for before all else is answered, and a connection of another protocol that comes in a drain. */
import { expect } from 'chai';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { drainable } from '../../src/index.js';
import { Client, connectionHeaders, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, Later, makeServer, onUpgrade, outcome, start, stopped, told } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';
import { PlainClient } from '../support/plain.js';
import { duplexOver } from '../support/transports.js';

const UPGRADE = get('/upgrade', 'connection: upgrade\r\nupgrade: other\r\n');
const TUNNEL = 'CONNECT y:1 HTTP/1.1\r\nhost: y:1\r\n\r\n';

for (const kind of HTTP1_KINDS) {
  for (const [title, request] of Object.entries({ upgrade: UPGRADE, tunnel: TUNNEL })) {
    for (const when of ['before the drain', 'in the drain'] as const) {
      it(`drain, ${kind}: requests that stand before the ${title} are answered, then the ${title}, then comes finish; it was asked for ${when}`, async () => {
        const later = new Later();
        const responses: ServerResponse[] = [];
        let upgrade = (): void => {};
        const server = makeServer(kind, (_request, response) => {
          responses.push(response);
          later.add(() => {});
        });
        const onAsked = (asked: IncomingMessage, socket: Duplex): void => {
          upgrade = () => onUpgrade(asked, socket);
          later.add(() => {});
        };
        server.on('upgrade', onAsked).on('connect', onAsked);
        const origin = await start(server);
        const client = await Client.connect(origin.port);
        const ask = async (): Promise<void> => {
          client.write(get('/1') + get('/2') + request);
          await later.reaches(3);
        };
        let finished = 0;
        const drain = (): ReturnType<typeof origin.drains.drain> => origin.drains.drain({ grace: 10_000, idleGrace: 5000, finish: (socket) => (finished++, void socket.write('goodbye')) });
        if (when === 'before the drain') await ask();
        const drained = drain();
        await stopped(origin);
        if (when === 'in the drain') await ask();
        for (const response of responses) response.end('the end');
        await client.until(/the end[^]*the end/);
        await turns(5);
        expect(finished).to.equal(0);
        upgrade();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(client.text, client.text).to.match(/the end[^]*the end[^]*HTTP\/1\.1 (101|200)[^]*\r\n\r\ngoodbye$/);
        expect(connectionHeaders(client).slice(0, 2)).to.deep.equal(['keep-alive', 'keep-alive']);
        expect(client.received).to.equal('close_notify');
      });
    }
  }
}

for (const kind of ['tls', 'net'] as const) {
  it(`drain, ${kind}: finish comes behind the application's own listener for a connection that comes in the drain`, async () => {
    const order: string[] = [];
    const server = kind === 'tls' ? makeServer('tls') : net.createServer();
    server.on(kind === 'tls' ? 'secureConnection' : 'connection', (socket: net.Socket) => {
      order.push('application');
      socket.resume().write('hello, ');
    });
    const drains = drainable(server);
    const front = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (raw) => void server.emit('connection', raw));
    const port = await listen(front);
    const connect = (): Promise<Client | PlainClient> => (kind === 'tls' ? Client : PlainClient).connect(port);
    let release = (): void => {};
    const first = await connect();
    await first.until(/hello, /);
    const drained = drains.drain({
      finish: async (socket) => {
        order.push('finish');
        if (order.length === 2) await new Promise<void>((resolve) => (release = resolve));
        socket.write('goodbye');
      },
    });
    while (order.length < 2) await turns(1);
    const second = await connect();
    await second.ended;
    release();
    expect(outcome(await drained)).to.deep.equal({ total: 2, complete: 2 });
    expect(order).to.deep.equal(['application', 'finish', 'application', 'finish']);
    expect([first.text, second.text]).to.deep.equal(['hello, goodbye', 'hello, goodbye']);
  });
}

for (const answered of [false, true]) {
  it(`a Duplex that is upgraded gets its answer, then finish; it was answered ${answered ? 'before the drain' : 'in the drain'}`, async () => {
    const later = new Later();
    const server = http.createServer();
    let upgrade = (): void => {};
    server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      upgrade = () => onUpgrade(request, socket);
      later.add(() => {});
    });
    const drains = drainable(server, { grace: 10_000, finish: (socket) => void socket.write('goodbye') });
    const front = net.createServer({ allowHalfOpen: true }, (raw) => void server.emit('connection', duplexOver(track(raw))));
    const client = await PlainClient.connect(await listen(front));
    client.write(UPGRADE);
    await later.reaches(1);
    if (answered) {
      upgrade();
      await client.until(/101 /);
    }
    const drained = drains.drain();
    await told(drains);
    await turns(5);
    expect(client.text).to.match(answered ? /goodbye$/ : /^$/);
    if (!answered) upgrade();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(client.text).to.match(/101 [^]*\r\n\r\ngoodbye$/);
  });
}
