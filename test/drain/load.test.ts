/** A drain among other work: from within a request, and of thousands of connections at once. */
import { expect } from 'chai';
import type { DrainReport } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { COMPLETE, outcome, serve, stopped, type Origin, told } from '../support/origins.js';
import { turns } from '../support/pair.js';

describe('drain in a request', () => {
  it('does not wait for the request that asks for it: that is answered with Connection: close', async () => {
    let drained: Promise<DrainReport> | undefined;
    const origin: Origin = await serve(async (_request, response) => {
      drained = origin.drains.drain();
      await stopped(origin);
      response.end('the end');
    });
    const client = await Client.connect(origin.port);
    await client.write(get()).until(/connection: close[^]*the end$/i);
    expect(outcome(await drained!)).to.deep.equal(COMPLETE);
    expect(client.received).to.equal('close_notify');
  });

  it('is forced at the end of grace when the request is answered only after the drain', async () => {
    let report: DrainReport | undefined;
    const origin: Origin = await serve(async (_request, response) => {
      report = await origin.drains.drain({ grace: 50 });
      response.end('too late');
    });
    const client = await Client.connect(origin.port);
    await client.write(get()).ended;
    await turns();
    expect(outcome(report!)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
  });
});

describe('drain of 2,000 idle connections', () => {
  it('serves a request in flight before the last of them is closed', async function () {
    this.timeout(120_000);
    const { drains, port } = await serve((_request, response) => response.end('the end'));
    const first = await Client.connect(port);
    first.write('GET / HTTP/1.1\r\nho');
    const clients: Client[] = [];
    while (clients.length < 2000) clients.push(...(await Promise.all(Array.from({ length: 50 }, () => Client.connect(port)))));
    let open = clients.length;
    for (const client of clients) void client.ended.then(() => open--);
    const drained = drains.drain();
    await told(drains);
    first.write('st: x\r\n\r\n');
    await first.until(/the end/);
    expect(open).to.be.within(1, 2000);
    expect(outcome(await drained)).to.deep.equal({ total: 2001, complete: 2001 });
    expect(clients.every(({ received }) => received === 'close_notify')).to.equal(true);
  });
});
