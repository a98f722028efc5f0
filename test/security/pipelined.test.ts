/** Clients that ask for more in a drain than they ever read. What 100,000 requests cost is in docs/measured.md. */
import { expect } from 'chai';
import type { ServerResponse } from 'node:http';
import { Client, connectionHeaders, get } from '../support/clients.js';
import { PREFACE, RawClient, frame, get as getStream } from '../support/http2.js';
import { HTTP1_KINDS, makeServer, start, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

const REQUESTS = 2000;
const CANCEL = Buffer.of(0, 0, 0, 8);

for (const kind of HTTP1_KINDS) {
  describe(`a drain under many pipelined requests, ${kind}`, () => {
    it('answers those that had reached the application, in their order, the last one with Connection: close, and gives it no more', async () => {
      const given: string[] = [];
      const waiting: ServerResponse[] = [];
      let all = (): void => {};
      const reached = new Promise<void>((resolve) => (all = resolve));
      const app = (request: { url?: string }, response: ServerResponse): void => {
        given.push(request.url!);
        if (waiting.push(response) === REQUESTS) all();
      };
      const { drains, port } = await start(makeServer(kind, app as never));
      const client = await Client.connect(port);
      client.write(Array.from({ length: REQUESTS }, (_, i) => get(`/${i}`)).join(''));
      await reached;
      const drained = drains.drain({ grace: 10_000 });
      await told(drains);
      for (const response of [...waiting].reverse()) response.write('<'); // the headers of all are made, the last first
      client.write(get('/late').repeat(REQUESTS));
      waiting.forEach((response, i) => response.end(`${given[i]}>`));
      expect(await drained).to.include({ total: 1, forced: 0 });
      await client.ended;
      expect([...client.text.replace(/\r\n[0-9a-f]+\r\n/g, '').matchAll(/<(\/\d+)>/g)].map(([, path]) => path)).to.deep.equal(Array.from({ length: REQUESTS }, (_, i) => `/${i}`));
      expect(connectionHeaders(client)).to.deep.equal([...Array.from({ length: REQUESTS - 1 }, () => 'keep-alive'), 'close']);
      expect(given).to.have.length(REQUESTS);
    });

    it('looks for the newest answer once, and not at each of many that wait', async () => {
      const waiting: ServerResponse[] = [];
      let all = (): void => {};
      const reached = new Promise<void>((resolve) => (all = resolve));
      const { drains, port } = await start(makeServer(kind, (_request, response) => void (waiting.push(response) === 10 * REQUESTS && all())));
      const client = await Client.connect(port);
      client.write(get().repeat(10 * REQUESTS));
      await reached;
      const drained = drains.drain({ grace: 10_000 });
      await told(drains);
      const begun = process.cpuUsage();
      for (const response of waiting) response.writeHead(200);
      const { user, system } = process.cpuUsage(begun);
      expect((user + system) / 1000, 'milliseconds of CPU: at each of them it would be 2,000 and more').to.be.lessThan(1000);
      for (const response of waiting) response.end();
      expect(await drained).to.include({ total: 1, forced: 0 });
      await client.ended;
      expect(connectionHeaders(client).filter((value) => value === 'close')).to.have.length(1);
    });

    it('cuts a client off at grace that reads nothing', async () => {
      const { drains, port } = await start(makeServer(kind, (_request, response) => void response.end(Buffer.alloc(10_000_000))));
      const client = await Client.connect(port);
      client.socket.pause();
      client.write(get() + get());
      while (drains.connections === 0) await turns();
      await turns(20);
      const begun = performance.now();
      const report = await drains.drain({ grace: 300 });
      expect(report).to.include({ total: 1, forced: 1 });
      expect(performance.now() - begun).to.be.within(290, 2000);
    });
  });
}

describe('a drain under streams that are reset at once, http2', () => {
  it('ends in time, ends no process, and gives nothing to the application behind the GOAWAY', async () => {
    let given = 0;
    const { drains, port } = await start(makeServer('http2', (_request, response) => {
      given++;
      setImmediate(() => response.end('x'));
    }));
    const client = await RawClient.connect(port);
    client.socket.write(PREFACE);
    const ids = Array.from({ length: REQUESTS }, (_, i) => 2 * i + 1);
    const burst = (some: number[]): void => void client.socket.write(Buffer.concat(some.flatMap((id) => [getStream(id), frame(3, 0, id, CANCEL)])));
    burst(ids.slice(0, REQUESTS / 2));
    while (given === 0) await turns();
    const drained = drains.drain({ grace: 5000, timeout: 500 });
    await told(drains);
    await turns(5);
    const before = given;
    if (!client.socket.destroyed) burst(ids.slice(REQUESTS / 2));
    const report = await drained;
    expect(report.total).to.equal(1);
    expect(report.forced).to.equal(0);
    expect(report.elapsed).to.be.lessThan(5000);
    expect(given).to.equal(before);
  });
});
