import { mock } from 'node:test';
import { expect } from 'chai';
import { MAX_TIMEOUT, clearDeadline } from '../src/deadline.js';
import { turns } from './support/pair.js';
import { uncaught } from './support/uncaught.js';
import { Waiter } from './support/waiter.js';

describe('deadlines', () => {
  afterEach(() => mock.timers.reset());

  // They share one timer, set for the first of them.
  const orders = [
    [5, 20, 60],
    [60, 20, 5],
    [20, 60, 5, 20],
    [MAX_TIMEOUT, 40, 10],
  ];
  for (const timeouts of orders) {
    it(`of ${timeouts.join(', ')} ms come in their order, none early`, async () => {
      const came: number[] = [];
      const all = timeouts.map((timeout) => new Waiter(timeout, (waiter) => void came.push(waiter.timeout)));
      const finite = all.filter(({ timeout }) => timeout < MAX_TIMEOUT);
      for (const waiter of finite) expect(await waiter.over).to.be.at.least(waiter.timeout);
      expect(came).to.deep.equal([...came].sort((a, b) => a - b)).and.have.length(finite.length);
      all.forEach(clearDeadline);
    });
  }

  it('come after the first of them was cleared', async () => {
    const [first, second] = [new Waiter(10), new Waiter(30)];
    await turns(3); // by then the timer is set, for the first
    clearDeadline(first);
    expect(await second.over).to.be.at.least(30);
  });

  it('come of those that were not cleared, in whatever order the others were', async () => {
    const came: number[] = [];
    const all = Array.from({ length: 5 }, (_, i) => new Waiter(10, () => void came.push(i)));
    for (const i of [0, 4, 2]) clearDeadline(all[i]!);
    await Promise.all([all[1]!.over, all[3]!.over]);
    await new Waiter(20).over;
    expect(came.sort()).to.deep.equal([1, 3]);
  });

  it('come of waits that begin when the timer of an answered one has gone off for nothing', async () => {
    const answered = new Waiter(10);
    await turns(3);
    clearDeadline(answered);
    await new Waiter(30).over; // by then the timer of 10 ms is over
    expect(await new Waiter(5).over).to.be.at.least(5);
  });

  it('come of waits that begin as another one is over', async () => {
    const later: Waiter[] = [];
    await new Waiter(5, () => later.push(new Waiter(10), new Waiter(1))).over;
    for (const waiter of later) expect(await waiter.over).to.be.at.least(waiter.timeout);
  });

  it('come of all that wait for the same, also when one of them clears another', async () => {
    let cleared = 0;
    const others: Waiter[] = [];
    const clearOne = (): void => {
      const other = others.find(({ bucket }) => bucket !== undefined);
      if (other === undefined) return;
      clearDeadline(other);
      cleared++;
    };
    for (let i = 0; i < 10; i++) others.push(new Waiter(10, clearOne));
    await new Waiter(30).over;
    expect(cleared).to.equal(5);
    expect(others.filter(({ bucket }) => bucket !== undefined)).to.deep.equal([]);
  });

  it('come of all others when one throws', async () => {
    const thrown = new Error('of the one');
    const caught = uncaught(1);
    const [later, others] = [new Waiter(20), [new Waiter(5), new Waiter(5)]];
    const thrower = new Waiter(5, () => {
      throw thrown;
    });
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    expect(await caught).to.deep.equal([thrown]);
    for (const waiter of [...others, later]) expect(await waiter.over).to.be.at.least(waiter.timeout);
    expect(thrower.bucket).to.equal(undefined);
    process.off('warning', onWarning);
    expect(warnings).to.deep.equal([]); // of a negative time-out, from Node 24 on
  });

  it('come after the fake timers of a test are gone', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    clearDeadline(new Waiter(20)); // its timer never goes off
    mock.timers.reset();
    expect(await new Waiter(80).over).to.be.at.least(80);
  });

  for (const how of ['while a test fakes setImmediate', 'when a test has faked setImmediate']) {
    it(`come ${how}`, async () => {
      mock.timers.enable({ apis: ['setImmediate'] });
      const waiter = new Waiter(10);
      if (how.startsWith('when')) mock.timers.reset();
      await waiter.over;
    });
  }

  it('come of the first also when a longer one follows, with fake timers', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const [first, second] = [new Waiter(1e5), new Waiter(1e6)];
    mock.timers.tick(1.1e5);
    await first.over;
    mock.timers.tick(1e6);
    await second.over;
  });

  it('obey the fake timers of a test, and come when those are gone', async () => {
    new Waiter(30); // its real timer goes off while that of the last one is set
    await turns(3);
    mock.timers.enable({ apis: ['setTimeout'] });
    const faked = new Waiter(1e6);
    mock.timers.tick(1.1e6);
    await faked.over;
    clearDeadline(new Waiter(20)); // its timer never goes off
    mock.timers.reset();
    expect(await new Waiter(80).over).to.be.at.least(80);
  });

  it('of before come though a test fakes setTimeout meanwhile', async () => {
    const waiters = [new Waiter(20), new Waiter(60)];
    await turns(3);
    mock.timers.enable({ apis: ['setTimeout'] });
    for (const waiter of waiters) expect(await waiter.over).to.be.at.least(waiter.timeout);
  });

  it('come of a setTimeout that somebody has put in its place and that passes no arguments on', async () => {
    const real = globalThis.setTimeout;
    globalThis.setTimeout = ((run: () => void, milliseconds: number) => real(run, milliseconds)) as typeof setTimeout;
    try {
      for (const waiter of [new Waiter(5), new Waiter(30)]) expect(await waiter.over).to.be.at.least(waiter.timeout);
    } finally {
      globalThis.setTimeout = real;
    }
  });

  it('come of a setTimeout that gives a number, as in browsers', async () => {
    const real = globalThis.setTimeout;
    globalThis.setTimeout = ((run: () => void, milliseconds: number) => Number(real(run, milliseconds))) as unknown as typeof setTimeout;
    try {
      expect(await new Waiter(20).over).to.be.at.least(20);
    } finally {
      globalThis.setTimeout = real;
    }
  });

  it('come while other waits end in every turn', async () => {
    const waiter = new Waiter(20);
    while (waiter.bucket !== undefined) {
      clearDeadline(new Waiter(25));
      await turns(1);
    }
    expect(await waiter.over).to.be.at.least(20);
  });
});
