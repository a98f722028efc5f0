/** A drain and the listening of its server: what comes in the turn of the close, `listen()` again, the program's own `close()`. */
import { expect } from 'chai';
import { once } from 'node:events';
import type http from 'node:http';
import net from 'node:net';
import { drainable } from '../../src/index.js';
import { Client, connectionHeaders, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, KINDS, Later, makeServer, outcome, serve, start, sumOf, told } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';
import { Program } from '../support/program.js';

/** Two connected sockets, none of which belongs to the server. */
async function socketPair(): Promise<[net.Socket, net.Socket]> {
  const between = net.createServer();
  const near = track(net.connect(await listen(between), '127.0.0.1'));
  const [far] = (await once(between, 'connection')) as [net.Socket];
  return [near, track(far)];
}

describe('the order of a drain', () => {
  it('has answers say Connection: close only when the server listens no more', async () => {
    const listening: boolean[] = [];
    const { server, drains, port } = await serve((_request, response) => {
      response.once('finish', () => listening.push(server.listening));
      response.end('the end');
    });
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(port)));
    const drained = drains.drain({ idleGrace: 10_000 });
    for (let turn = 0; turn < 20 && server.listening; turn++) {
      for (const client of clients) client.write(get());
      await turns(1);
    }
    for (const client of clients) client.write(get());
    expect((await drained).forced).to.equal(0);
    for (const client of clients) {
      const headers = connectionHeaders(client);
      expect(headers.at(-1)).to.equal('close');
      expect(headers.slice(0, -1).every((header) => header === 'keep-alive')).to.equal(true);
    }
  });

  it('resets no client that connects anew behind its answer, in 20 drains under load', async function () {
    this.timeout(60_000);
    for (let round = 0; round < 20; round++) {
      const { server, drains, port } = await serve((_request, response) => response.end('the end'), { idleGrace: 500 });
      let refused = 0;
      const errors: unknown[] = [];
      const load = async (): Promise<void> => {
        while (refused === 0) {
          const client = new Client(port);
          const failure = once(client.raw, 'error').then(([error]) => error as NodeJS.ErrnoException);
          const failed = await Promise.race([failure, client.handshake().then(() => undefined)]);
          if (failed?.code === 'ECONNREFUSED') return void refused++;
          if (failed !== undefined) return void (refused++, errors.push(failed.code));
          for (let i = 0; i < 50 && !client.socket.destroyed; i++) {
            const before = client.text.length;
            client.write(get());
            await client.until(new RegExp(`^[^]{${before}}[^]*the end$`));
            if (/connection: close/i.test(client.text)) break;
          }
          await client.ended;
        }
      };
      const running = Array.from({ length: 8 }, load);
      await once(server, 'request');
      const report = await drains.drain();
      await Promise.all(running);
      expect(errors).to.deep.equal([]);
      expect(report.failed + report.forced, JSON.stringify(report)).to.equal(0);
    }
  });

  it('resets no client that connects in a long turn, right before the listening could stop', async () => {
    const { server, drains, port } = await serve((_request, response) => response.end('the end'));
    const [near, far] = await socketPair();
    const clients: Client[] = [];
    far.on('data', () => {
      for (const start = performance.now(); performance.now() < start + 3; );
      clients.push(new Client(port)); // it is in the kernel's queue before this turn is over
      if (clients.length < 5) near.write('again');
    });
    near.write('begin');
    const drained = drains.drain({ idleGrace: 200 });
    while (server.listening) await turns(1);
    await Promise.all(clients.map((client) => client.handshake().then(() => client.write(get()).until(/the end/))));
    expect(clients).to.have.length(5);
    expect(outcome(await drained)).to.deep.equal({ total: 5, complete: 5 });
  });

  it('stops at once when the drain is forced, though connections never stop coming', async () => {
    const server = net.createServer();
    const drains = drainable(server);
    await listen(server);
    let rounds = 0;
    const come = (): void => {
      if (!server.listening) return;
      rounds++;
      server.emit('connection', track(new net.Socket()));
      setImmediate(come);
    };
    come();
    const force = new AbortController();
    const drained = drains.drain({ force: force.signal });
    await turns(20);
    expect(server.listening).to.equal(true);
    force.abort();
    const report = await drained;
    expect(rounds).to.be.below(30);
    expect(report.forced).to.equal(report.total);
  });

  for (const kind of KINDS) {
    it(`of a ${kind} server that does not listen is that of what it was handed`, async () => {
      const server = makeServer(kind).on('secureConnection', (socket) => socket.resume());
      const drains = drainable(server, { idleGrace: 0 });
      const front = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (raw) => void server.emit('connection', raw));
      const port = await listen(front);
      const options = kind === 'http2' ? { ALPNProtocols: ['h2'] } : {};
      const client = await Client.connect(port, options);
      expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
      expect(client.received).to.equal('close_notify');

      const late = await Client.connect(port, options); // still handed to it: it can't stop that
      await late.ended;
      expect(late.received).to.equal('close_notify');
    });
  }

  it('counts a connection that comes when none is left, but before the report', async () => {
    const server = makeServer('tls').on('secureConnection', (socket) => socket.resume());
    const drains = drainable(server);
    const front = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (raw) => void server.emit('connection', raw));
    const port = await listen(front);
    await Client.connect(port);
    const elsewhere = await listen(net.createServer((raw) => void track(raw).on('error', () => {})));
    let late: net.Socket | undefined;
    const totals: number[] = [];
    const report = await drains.drain({
      onProgress: ({ remaining, total }) => {
        totals.push(total);
        if (remaining > 0 || late !== undefined) return;
        late = track(net.connect(elsewhere, '127.0.0.1'));
        server.emit('connection', late);
        late.once('connect', () => late!.destroy());
      },
    });
    expect(report.total).to.equal(2);
    expect(sumOf(report)).to.equal(2);
    expect(totals.at(-1)).to.equal(2);
  });
});

describe('listen() again while a drain runs', () => {
  for (const kind of HTTP1_KINDS) {
    it(`leaves that drain its connections, and gives the new ones to the next one: ${kind}`, async () => {
      const later = new Later();
      const { server, drains, port } = await start(makeServer(kind, (_request, response) => later.add(() => response.end('the end'))));
      const first = await Client.connect(port);
      first.write(get());
      await later.reaches(1);
      const drained = drains.drain({ grace: Infinity });
      await told(drains);
      const again = await listen(server);
      expect(drains.draining).to.equal(false);
      const second = await Client.connect(again);
      second.write(get());
      await later.reaches(2);
      later.run();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await second.until(/connection: keep-alive[^]*the end$/i);
      expect(connectionHeaders(first)).to.deep.equal(['close']);
      expect(drains.connections).to.equal(1);
      const next = drains.drain();
      expect(drains.draining).to.equal(true);
      expect(outcome(await next)).to.deep.equal(COMPLETE);
      expect(second.received).to.equal('close_notify');
    });
  }

  it('makes the next drain() a new one, with the new connections only, though the first one still runs', async () => {
    const later = new Later();
    const { server, drains, port } = await serve((_request, response) => later.add(() => response.end('the end')));
    const first = await Client.connect(port);
    first.write(get());
    await later.reaches(1);
    const drained = drains.drain({ grace: Infinity });
    await told(drains);
    await Client.connect(await listen(server));
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
    later.run();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
  });

  it('after its own close(), before the drain has stopped the listening, stops nothing', async () => {
    const { server, drains, port } = await serve((_request, response) => response.end('the end'));
    const first = await Client.connect(port);
    const drained = drains.drain();
    net.Server.prototype.close.call(server);
    const again = await listen(server);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect([drains.draining, server.listening]).to.deep.equal([false, true]);
    expect(first.received).to.equal('close_notify');
    await (await Client.connect(again)).write(get()).until(/keep-alive[^]*the end/i);
    await drains.drain();
  });

  it('gives a connection in its handshake to the drain that has begun before', async () => {
    const server = makeServer('tls').on('secureConnection', (socket) => socket.resume());
    const { drains, port } = await start(server);
    const accepted = once(server, 'connection');
    const client = new Client(port);
    await accepted;
    const drained = drains.drain({ grace: Infinity });
    await told(drains);
    await listen(server);
    await client.handshake();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await drains.drain();
  });
});

describe("the program's own close() in a drain", () => {
  for (const kind of KINDS) {
    for (const when of ['at once', 'when the listening has stopped'] as const) {
      it(`destroys nothing, and calls back behind the drain, without an error: ${kind}, ${when}`, async () => {
        const server = makeServer(kind, (_request, response) => response.end('the end')).on('secureConnection', (socket) => socket.resume());
        const { drains, port } = await start(server);
        const client = await Client.connect(port, kind === 'http2' ? { ALPNProtocols: ['h2'] } : {});
        if (kind.includes('http') && kind !== 'http2') await client.write(get()).until(/the end/);
        const order: string[] = [];
        const drained = drains.drain({ idleGrace: 200 }).then((report) => (order.push('drained'), report));
        if (when !== 'at once') await told(drains);
        const closed = new Promise<unknown>((resolve) => {
          const returned = server.close((error) => (order.push('closed'), resolve(error)));
          expect(returned).to.equal(server);
        });
        (server as unknown as http.Server).closeIdleConnections?.();
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        expect(await closed).to.equal(undefined);
        expect(order).to.deep.equal(['drained', 'closed']);
        expect(client.received).to.equal('close_notify');
        expect(server.listening).to.equal(false);
      });
    }
  }

  it("is Node's again when the server listens again", async () => {
    const { server, drains } = await serve(() => {});
    const names = ['close', 'closeIdleConnections'] as const;
    const own = (): boolean[] => names.map((name) => Object.hasOwn(server, name));
    expect(own()).to.deep.equal([false, false]);
    await drains.drain();
    await listen(server);
    expect(own()).to.deep.equal([false, false]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('that is an own method of the server is given back to it', async () => {
    const { server, drains } = await serve(() => {});
    const close = server.close.bind(server);
    server.close = close;
    await drains.drain();
    await listen(server);
    expect(server.close).to.equal(close);
  });
});

describe('a drain that nothing else keeps alive', () => {
  it('keeps the process alive until it has resolved', async () => {
    const program = new Program(['unref']);
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
  });
});
