/** drainOnSignal in this process: SIGUSR2 is emitted, never sent. */
import { expect } from 'chai';
import { drainable, drainOnSignal, type DrainableServer, type DrainOnSignalOptions, type DrainProgress, type DrainReport } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { COMPLETE, Later, application, makeServer, outcome, start, stopped, type Origin } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';

const told = (): boolean => process.emit('SIGUSR2', 'SIGUSR2');

interface Drained {
  readonly listening: Disposable;
  readonly report: Promise<DrainReport>;
  readonly reports: readonly DrainReport[];
}

function onSignal(servers: DrainableServer | DrainableServer[], options: DrainOnSignalOptions = {}): Drained {
  const reports: DrainReport[] = [];
  let listening!: Disposable;
  const report = new Promise<DrainReport>((resolve) => {
    const onDrained = (drained: DrainReport): void | Promise<void> => {
      reports.push(drained);
      resolve(drained);
      return options.onDrained?.(drained);
    };
    listening = drainOnSignal(servers, { idleGrace: 0, ...options, signals: ['SIGUSR2'], onDrained });
  });
  track({ close: () => listening[Symbol.dispose]() });
  return { listening, report, reports };
}

/** A server with one client, whose request is answered when `later` runs. */
async function busy(): Promise<Origin & { later: Later; client: Client }> {
  const later = new Later();
  const origin = await start(makeServer('https', application(later)));
  const client = (await Client.connect(origin.port)).write(get('/later'));
  await later.reaches(1);
  return { ...origin, later, client };
}

describe('drainOnSignal, another signal', () => {
  const { now } = performance;
  afterEach(() => {
    performance.now = now;
  });
  const pass = (milliseconds: number): void => {
    performance.now = () => now.call(performance) + milliseconds;
  };

  it('forces nothing within a second of the first', async () => {
    const { drains, later, client } = await busy();
    const { report } = onSignal(drains, { grace: Infinity });
    told();
    told();
    await turns();
    pass(900);
    told();
    await turns();
    later.run();
    expect(outcome(await report)).to.deep.equal(COMPLETE);
    expect(client.text).to.match(/the end/);
  });

  it('forces what is left a second after the first', async () => {
    const { drains } = await busy();
    const { report } = onSignal(drains, { grace: Infinity });
    told();
    pass(1000);
    told();
    expect(outcome(await report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
  });

  it('forces a server, too, that begins to listen afterwards', async () => {
    const { drains } = await busy();
    const later = makeServer('tls');
    const { report } = onSignal([drains, drainable(later)], { grace: Infinity });
    told();
    pass(1000);
    told();
    later.listen(0, '127.0.0.1');
    track(later);
    expect(outcome(await report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    expect(later.listening).to.equal(false);
  });
});

describe('drainOnSignal, a server that begins to listen after the signal', () => {
  it('is drained at once, in the same report', async () => {
    const first = await busy();
    const second = makeServer('https', (_request, response) => response.end('the end'));
    const drains = drainable(second);
    const { report } = onSignal([first.drains, drains]);
    told();
    await turns();
    const port = await listen(second);
    const client = Client.connect(port).catch(() => undefined); // it may just come in time
    await drains.drain();
    expect([second.listening, drains.draining]).to.deep.equal([false, true]);
    const accepted = (await client) === undefined ? 0 : 1;
    first.later.run();
    expect(outcome(await report)).to.deep.equal({ total: 1 + accepted, complete: 1 + accepted });
  });

  it('is drained at once when the drain is over, too, and is not reported', async () => {
    const server = makeServer('https');
    const drains = drainable(server);
    const { report, reports } = onSignal(drains);
    told();
    expect(outcome(await report)).to.deep.equal({ total: 0 });
    await listen(server);
    expect(drains.draining).to.equal(true);
    await drains.drain();
    expect(server.listening).to.equal(false);
    expect(reports).to.have.length(1);
  });

  it("is what Node says: an application's own 'listening' event begins no drain", async () => {
    const { drains, server, later } = await busy();
    const { report } = onSignal(drains);
    told();
    await stopped({ server });
    server.emit('listening');
    later.run();
    expect(outcome(await report)).to.deep.equal(COMPLETE);
  });
});

describe('drainOnSignal, onDrained', () => {
  it('is awaited before our listeners come off', async () => {
    const { drains, later } = await busy();
    const before = process.listenerCount('SIGUSR2');
    let release!: () => void;
    const { report } = onSignal(drains, { onDrained: () => new Promise<void>((resolve) => (release = resolve)) });
    told();
    later.run();
    await report;
    await turns();
    expect(process.listenerCount('SIGUSR2')).to.equal(before + 1);
    release();
    await turns();
    expect(process.listenerCount('SIGUSR2')).to.equal(before);
  });

  it('need not be given', async () => {
    const { drains, later } = await busy();
    const before = process.listenerCount('SIGUSR2');
    drainOnSignal(drains, { signals: ['SIGUSR2'] });
    told();
    await turns();
    expect([drains.draining, process.listenerCount('SIGUSR2')]).to.deep.equal([true, before + 1]);
    later.run();
    await drains.drain();
    while (process.listenerCount('SIGUSR2') > before) await turns(1);
  });

  it('gets the sum of the reports, in which a server that is given twice counts once', async () => {
    const both = await Promise.all([busy(), busy()]);
    const { report } = onSignal([...both, ...both].map(({ drains }) => drains));
    told();
    for (const { later } of both) later.run();
    const reports = await Promise.all(both.map(({ drains }) => drains.drain()));
    expect(outcome(await report)).to.deep.equal({ total: 2, complete: 2 });
    expect((await report).elapsed).to.equal(Math.max(...reports.map(({ elapsed }) => elapsed)));
  });

  it('gets zeros where there is no server', async () => {
    const { report } = onSignal([]);
    told();
    expect(await report).to.deep.equal({ total: 0, complete: 0, oneWay: 0, failed: 0, forced: 0, errors: {}, elapsed: 0 });
  });
});

describe('drainOnSignal, onProgress', () => {
  it('gets the sums over the servers, at most once a turn, and last that all is done, before onDrained', async () => {
    const servers = await Promise.all([busy(), busy(), busy()]);
    const told_: (DrainProgress & { turn: number })[] = [];
    let turn = 0;
    const count = (): void => {
      turn++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    let atDrained: number | undefined;
    const { report } = onSignal(servers.map(({ drains }) => drains), {
      onProgress: (progress) => void told_.push({ ...progress, turn }),
      onDrained: () => void (atDrained = told_.length),
    });
    told();
    for (const { later } of servers) later.run();
    await report;
    clearImmediate(counting);
    for (const { total, remaining, complete, oneWay, failed, forced } of told_) expect(remaining + complete + oneWay + failed + forced).to.equal(total);
    expect(told_.map(({ total }) => total)).to.include(3);
    expect(told_.at(-1)).to.include({ total: 3, remaining: 0, complete: 3 });
    expect(new Set(told_.map((one) => one.turn)).size).to.equal(told_.length);
    expect(atDrained).to.equal(told_.length);
  });
});

describe('drainOnSignal, its disposal', () => {
  it('stops the listening for signals, not a drain that has begun', async () => {
    const { drains, later } = await busy();
    const before = process.listenerCount('SIGUSR2');
    const { listening, report } = onSignal(drains);
    told();
    listening[Symbol.dispose]();
    expect(process.listenerCount('SIGUSR2')).to.equal(before);
    later.run();
    expect(outcome(await report)).to.deep.equal(COMPLETE);
  });
});
