/** A server drain: its order, what it waits for, what it does at its limits. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import { mock } from 'node:test';
import { drainable, type DrainReport } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { COMPLETE, Later, makeServer, outcome, serve, type App, told } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';
import { duplexOver } from '../support/transports.js';

const answer: App = (_request, response) => response.end('the end');
const never: App = () => {};

describe('drainable', () => {
  it('gives the same object for the same server', () => {
    const server = makeServer('https');
    expect(drainable(server)).to.equal(drainable(server));
  });

  it('throws ERR_INVALID_ARG_VALUE for a server that has connections, and says to call it before listen()', async () => {
    const server = makeServer('tls');
    const port = await listen(server);
    const client = await Client.connect(port);
    expect(() => drainable(server)).to.throw(TypeError, /before listen\(\)/).with.property('code', 'ERR_INVALID_ARG_VALUE');
    client.reset();
  });

  for (const value of [undefined, null, {}, new net.Socket()]) {
    it(`throws ERR_INVALID_ARG_TYPE for ${value?.constructor.name ?? value}`, () => {
      expect(() => drainable(value as never)).to.throw(TypeError, /^server must be/).with.property('code', 'ERR_INVALID_ARG_TYPE');
    });
  }

  const BAD: [Record<string, unknown>, string, string][] = [
    [{ grace: -1 }, 'options.grace', 'ERR_OUT_OF_RANGE'],
    [{ grace: NaN }, 'options.grace', 'ERR_OUT_OF_RANGE'],
    [{ grace: '1' }, 'options.grace', 'ERR_INVALID_ARG_TYPE'],
    [{ timeout: 2 ** 31 }, 'options.timeout', 'ERR_OUT_OF_RANGE'],
    [{ idleGrace: null }, 'options.idleGrace', 'ERR_INVALID_ARG_TYPE'],
    [{ quiet: 1 }, 'options.quiet', 'ERR_INVALID_ARG_TYPE'],
    [{ force: new AbortController() }, 'options.force', 'ERR_INVALID_ARG_TYPE'],
    [{ finish: {} }, 'options.finish', 'ERR_INVALID_ARG_TYPE'],
    [{ onProgress: 1 }, 'options.onProgress', 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [options, name, code] of BAD) {
    it(`names ${name} and throws ${code} when it is ${String(Object.values(options)[0])}; drain() rejects with it, and drains nothing`, async () => {
      expect(() => drainable(makeServer('tls'), options)).to.throw(name).with.property('code', code);
      const drains = drainable(makeServer('tls'));
      const error = await drains.drain(options).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.have.property('code', code);
      expect(error).to.have.property('message').that.includes(name);
      expect(drains.draining).to.equal(false);
    });
  }
});

describe('drain of a server', () => {
  it('counts a connection over a Duplex once', async () => {
    const server = makeServer('tls');
    server.on('secureConnection', (socket) => socket.resume());
    const drains = drainable(server);
    const front = net.createServer({ allowHalfOpen: true }, (raw) => void server.emit('connection', duplexOver(track(raw))));
    const client = await Client.connect(await listen(front));
    await turns();
    expect(drains.connections).to.equal(1);
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
    await client.ended;
    expect(client.received).to.equal('close_notify');
    expect(drains.connections).to.equal(0);
  });

  it('new connections are refused, while one that is there is served, since the listening stops first', async () => {
    const { server, drains, port } = await serve((_request, response) => response.end('the end'));
    const client = await Client.connect(port);
    await client.write(get()).until(/the end/);
    const drained = drains.drain({ idleGrace: Infinity });
    expect(drains.draining).to.equal(true);
    await told(drains);
    expect(server.listening).to.equal(false);
    const [error] = (await once(track(net.connect(port, '127.0.0.1')), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).to.equal('ECONNREFUSED');
    client.write(get());
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(client.text.match(/the end/g)).to.have.length(2);
  });

  it('connections that the kernel accepted before the listening stopped are served', async () => {
    const { drains, port } = await serve(answer, { idleGrace: 200 });
    const clients = Array.from({ length: 20 }, () => new Client(port));
    await new Promise<void>((resolve) => process.nextTick(resolve)); // connect() is called, accept() is not
    expect(drains.connections).to.equal(0);
    const drained = drains.drain();
    await Promise.all(clients.map((client) => client.handshake().then(() => client.write(get()))));
    expect(outcome(await drained)).to.deep.equal({ total: 20, complete: 20 });
    for (const client of clients) expect(client.text).to.match(/the end$/);
  });

  it('stops listening also while a test fakes setImmediate', async () => {
    const { server, drains } = await serve(answer);
    mock.timers.enable({ apis: ['setImmediate'] });
    try {
      expect(outcome(await drains.drain())).to.deep.equal({ total: 0 });
      expect(server.listening).to.equal(false);
    } finally {
      mock.timers.reset();
    }
  });

  it('has nothing to do on a server that never listened', async () => {
    expect(outcome(await drainable(makeServer('https')).drain())).to.deep.equal({ total: 0 });
  });

  it('gives the same report after its end, until the server listens again; then it drains again', async () => {
    const { server, drains, port } = await serve(answer);
    await Client.connect(port);
    const report = await drains.drain();
    expect(await drains.drain()).to.equal(report);
    expect(drains.draining).to.equal(true);

    const again = await listen(server);
    expect(drains.draining).to.equal(false);
    const client = await Client.connect(again);
    await client.write(get()).until(/connection: keep-alive[^]*the end/i);
    const second = await drains.drain();
    expect(second).to.not.equal(report);
    expect(outcome(second)).to.deep.equal(COMPLETE);
  });

  it('forces what is left at the end of grace', async () => {
    const { drains, port } = await serve(never);
    const client = await Client.connect(port);
    await client.write(get());
    const report = await drains.drain({ grace: 50 });
    expect(report.elapsed).to.be.within(49, 5000);
    expect(outcome(report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    await client.ended;
    expect(client.received).to.not.equal('close_notify');
  });

  for (const [title, force] of [['is aborted', new AbortController()], ['was aborted before', undefined]] as const) {
    it(`forces what is left at once when force ${title}`, async () => {
      const { server, drains, port } = await serve(never);
      const request = once(server, 'request');
      (await Client.connect(port)).write(get());
      await request;
      const drained = drains.drain({ grace: Infinity, force: force?.signal ?? AbortSignal.abort() });
      await told(drains);
      force?.abort();
      expect(outcome(await drained)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    });
  }

  for (const [title, options] of [['shorter grace', { grace: 30 }], ['force', { force: AbortSignal.abort() }]] as const) {
    it(`a second call joins the first, and its ${title} shortens it`, async () => {
      const { drains, port } = await serve(never);
      (await Client.connect(port)).write(get());
      const totals: number[] = [];
      const first = drains.drain({ grace: Infinity });
      const second = drains.drain({ ...options, onProgress: ({ total }) => totals.push(total) });
      expect(outcome(await first)).to.include({ total: 1, forced: 1 });
      expect(await second).to.equal(await first);
      expect(totals.at(-1)).to.equal(1);
    });
  }

  it('a second call with a longer grace does not prolong it', async () => {
    const { drains, port } = await serve(never);
    (await Client.connect(port)).write(get());
    const first = drains.drain({ grace: 30 });
    void drains.drain({ grace: Infinity });
    expect(outcome(await first)).to.include({ forced: 1 });
  });

  it('is what await using ends with', async () => {
    const { server, drains, port } = await serve(answer);
    const client = await Client.connect(port);
    {
      await using draining = drains;
      expect(draining.connections).to.equal(1);
    }
    expect(server.listening).to.equal(false);
    expect(client.received).to.equal('close_notify');
  });

  it('onProgress is consistent each time, and the last one is the report', async () => {
    const { drains, port } = await serve(answer);
    const clients = await Promise.all(Array.from({ length: 40 }, (_, i) => Client.connect(port, { habit: i % 2 ? 'lax' : 'strict' })));
    const progress: (Omit<DrainReport, 'errors' | 'elapsed'> & { remaining: number })[] = [];
    const { errors, elapsed, ...report } = await drains.drain({ onProgress: (one) => progress.push(one) });
    for (const { total, remaining, complete, oneWay, failed, forced } of progress) expect(remaining + complete + oneWay + failed + forced).to.equal(total);
    expect(progress.length).to.be.greaterThan(1);
    expect(progress.at(-1)).to.deep.equal({ ...report, remaining: 0 });
    expect(report).to.deep.equal({ total: clients.length, complete: 20, oneWay: 20, failed: 0, forced: 0 });
    await turns(5);
    expect(progress.at(-1)?.remaining, 'nothing after the last').to.equal(0);
  });

  it('goes on when onProgress throws, which is an uncaught exception, as in any callback', async () => {
    const listeners = process.listeners('uncaughtException');
    for (const listener of listeners) process.off('uncaughtException', listener); // mocha's, which would fail the test
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown);
    try {
      const { drains, port } = await serve(answer);
      await Client.connect(port);
      const reason = new Error('mine');
      const throwing = drains.drain({
        onProgress: () => {
          throw reason;
        },
      });
      expect(outcome(await throwing)).to.deep.equal(COMPLETE);
      expect(new Set(thrown)).to.deep.equal(new Set([reason]));
    } finally {
      process.off('uncaughtException', onThrown);
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('quiet closes without an alert', async () => {
    const { drains, port } = await serve(answer);
    const client = await Client.connect(port);
    expect(outcome(await drains.drain({ quiet: true }))).to.deep.equal(COMPLETE);
    expect(client.received).to.equal('fin');
  });

  it("the application's own server.close() in the drain does not break it", async () => {
    const later = new Later();
    const { server, drains, port } = await serve((_request, response) => later.add(() => response.end('the end')));
    const client = await Client.connect(port);
    client.write(get());
    await later.reaches(1);
    const drained = drains.drain();
    await told(drains);
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    later.run();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await stopped;
    expect(client.text).to.match(/the end$/);
  });
});
