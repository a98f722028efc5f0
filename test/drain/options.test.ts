/** Options of drains: their defaults, and what counts where several calls give them. */
import { expect } from 'chai';
import { completeDrainOptions, drainOptions } from '../../src/arguments.js';
import { drainable, drainAgent, drainOnSignal, drainSockets, type DrainOptions, type DrainProgress } from '../../src/index.js';
import https from 'node:https';
import { Client, get } from '../support/clients.js';
import { COMPLETE, makeServer, outcome, type App, told } from '../support/origins.js';
import { listen } from '../support/pair.js';

const complete = (...calls: DrainOptions[]) => completeDrainOptions(...calls.map(drainOptions));
const never: App = () => {};

describe('drainable(), called again', () => {
  it('gives the same object, and its options win, also after listen()', async () => {
    const server = makeServer('https', (_request, response) => response.end('the end'));
    const drains = drainable(server, { idleGrace: Infinity, timeout: 1 });
    const client = await Client.connect(await listen(server));
    await client.write(get()).until(/the end/);
    expect(drainable(server, { idleGrace: 0, timeout: undefined } as never)).to.equal(drains);
    drainable(server, { timeout: 5000 });
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
  });
});

describe('idleGrace', () => {
  const TABLE: [given: DrainOptions[], idleGrace: number][] = [
    [[{}], 1000],
    [[{ grace: 4000 }], 1000],
    [[{ grace: 2000 }], 500],
    [[{ grace: 0 }], 0],
    [[{ grace: Infinity }], 1000],
    [[{ idleGrace: 5000 }], 5000],
    [[{ idleGrace: 30_000 }], 7500],
    [[{ idleGrace: Infinity }], 7500],
    [[{ idleGrace: 0 }, { grace: 0 }], 0],
    [[{ grace: 1000, idleGrace: 999 }], 999],
    [[{ grace: 0, idleGrace: 0 }], 0],
    [[{ grace: Infinity, idleGrace: Infinity }], Infinity],
    [[{ grace: 1000 }, { idleGrace: 999 }], 999],
    [[{ grace: 1000 }, { idleGrace: 1000 }], 250],
    [[{ grace: 1000 }, { grace: 60_000, idleGrace: 50_000 }], 250],
    [[{ idleGrace: 5000 }, { grace: 1000, idleGrace: 10 }], 250],
    [[{ idleGrace: undefined, grace: undefined } as never, { grace: 100, idleGrace: 50 }], 50],
  ];
  for (const [given, idleGrace] of TABLE) {
    it(`is ${idleGrace} where the calls give ${given.map((options) => JSON.stringify(options, (_key, value: unknown) => (value === Infinity ? 'Infinity' : value))).join(', then ')}`, () => {
      expect(complete(...given).idleGrace).to.equal(idleGrace);
    });
  }

  const BAD: DrainOptions[] = [{ grace: 100, idleGrace: 100 }, { grace: 0, idleGrace: 1 }, { grace: 100, idleGrace: Infinity }, { grace: 1, idleGrace: 2 }];
  for (const options of BAD) {
    it(`is a RangeError ERR_OUT_OF_RANGE of every drain where one call gives grace ${options.grace} and idleGrace ${options.idleGrace}`, async () => {
      const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.catch((reason: unknown) => reason);
      const drains = drainable(makeServer('https'));
      const errors = [
        await rejection(drains.drain(options)),
        await rejection(drainAgent(new https.Agent(), options)),
        await rejection(drainSockets([], options)),
        ...[() => drainable(makeServer('https'), options), () => drainOnSignal(drains, options)].map((call): unknown => {
          try {
            return call();
          } catch (error) {
            return error;
          }
        }),
      ];
      for (const error of errors) {
        expect(error).to.be.instanceOf(RangeError).with.property('code', 'ERR_OUT_OF_RANGE');
        expect(error).to.have.property('message').that.matches(/^options\.idleGrace must be below options\.grace, which is /);
      }
      expect(drains.draining).to.equal(false);
    });
  }

  it('of an idle connection is a quarter of the grace that is left, when a second drain() leaves less', async () => {
    const server = makeServer('https', never);
    const drains = drainable(server);
    const port = await listen(server);
    await Client.connect(port);
    const first = drains.drain({ grace: Infinity, idleGrace: Infinity });
    await told(drains);
    void drains.drain({ grace: 400 });
    const report = await first;
    expect(outcome(report)).to.deep.equal(COMPLETE);
    expect(report.elapsed).to.be.within(99, 399);
  });

  it('of a connection that becomes idle late is a quarter of the grace that is left', async () => {
    const server = makeServer('https', (_request, response) => {
      response.write('the beginning');
      setTimeout(() => response.end(), 300);
    });
    const drains = drainable(server);
    const client = await Client.connect(await listen(server));
    await client.write(get()).until(/the beginning/);
    const report = await drains.drain({ grace: 700, idleGrace: 600 });
    expect(outcome(report)).to.deep.equal(COMPLETE);
    expect(report.elapsed).to.be.below(700);
  });
});

describe('drain options that meet', () => {
  it('are those of drain() before those of drainable(), and what is undefined is not given', () => {
    const [mine, theirs] = [(): void => {}, (): void => {}];
    const both = complete({ grace: 1, timeout: undefined, finish: mine } as never, { grace: 2, timeout: 3, quiet: true, finish: theirs });
    expect(both).to.include({ grace: 1, timeout: 3, quiet: true, finish: mine });
    expect(complete({})).to.deep.equal({ grace: 30_000, timeout: 5000, idleGrace: 1000, quiet: false, finish: undefined, forces: [], listeners: [] });
  });

  it('are read once', () => {
    let reads = 0;
    const options = { get grace() { return ++reads; } };
    expect(drainOptions(options)).to.deep.equal({ grace: 1 });
    expect(reads).to.equal(1);
  });

  for (const which of ['drainable()', 'drain()', 'a second drain()']) {
    it(`force what is left by the signal of ${which}, and onProgress of all three is called`, async () => {
      const calls = ['drainable()', 'drain()', 'a second drain()'].map((name) => ({ name, force: new AbortController(), progress: [] as DrainProgress[] }));
      const [a, b, c] = calls.map(({ force, progress }): DrainOptions => ({ force: force.signal, onProgress: (one) => progress.push(one) }));
      const server = makeServer('https', never);
      const drains = drainable(server, a);
      const client = await Client.connect(await listen(server));
      client.write(get());
      const drained = drains.drain({ ...b, grace: Infinity });
      expect(drains.drain(c)).to.not.equal(undefined);
      await told(drains);
      expect(calls.map(({ progress }) => progress.at(-1)?.remaining)).to.deep.equal([1, 1, 1]);
      calls.find(({ name }) => name === which)!.force.abort();
      expect(outcome(await drained)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
      expect(calls.map(({ progress }) => progress.at(-1)?.forced)).to.deep.equal([1, 1, 1]);
    });
  }

  it('of a second drain() without grace do not shorten the first', async () => {
    const server = makeServer('https', never);
    const drains = drainable(server, { grace: 10 });
    const client = await Client.connect(await listen(server));
    client.write(get());
    const force = new AbortController();
    const drained = drains.drain({ grace: Infinity, force: force.signal });
    void drains.drain({ timeout: 1, quiet: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    force.abort();
    expect((await drained).elapsed).to.be.at.least(49);
  });

  it('of a drain() after the end do nothing: the report is the same', async () => {
    const drains = drainable(makeServer('https'));
    const report = await drains.drain();
    expect(await drains.drain({ grace: 1, force: AbortSignal.abort() })).to.equal(report);
  });
});
