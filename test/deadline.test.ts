import { createHook } from 'node:async_hooks';
import { mock } from 'node:test';
import { expect } from 'chai';
import { MAX_TIMEOUT, clearDeadline, setDeadline, type Waiting } from '../src/deadline.js';
import { turns } from './support/pair.js';

class Waiter implements Waiting {
  bucket: Waiting['bucket'];
  place = 0;
  signalled: Waiting['signalled'];
  readonly timeout: number;
  readonly start = performance.now();
  readonly #onTimeout: (waiter: Waiter) => void;
  /** Milliseconds that it took. */
  readonly over: Promise<number>;

  constructor(timeout: number, onTimeout: (waiter: Waiter) => void = () => {}) {
    this.timeout = timeout;
    let resolve: (milliseconds: number) => void;
    this.over = new Promise((r) => (resolve = r));
    this.#onTimeout = (waiter) => {
      clearDeadline(this);
      onTimeout(waiter);
      resolve(performance.now() - this.start);
    };
    setDeadline(this, timeout, undefined);
  }

  onTimeout(): void {
    this.#onTimeout(this);
  }

  onAbort(): void {}
}

/** Counts the timers that are made and that go off while `run` runs, and the immediates that are made. */
async function timersOf(run: () => void | Promise<void>): Promise<{ made: number; wentOff: number; immediates: number }> {
  const timers = new Set<number>();
  let [wentOff, immediates] = [0, 0];
  await turns(1); // mocha sets the timer of a test when that has returned
  const init = (id: number, type: string): void => {
    if (type === 'Timeout') timers.add(id);
    if (type === 'Immediate') immediates++;
  };
  const hook = createHook({ init, before: (id) => void (timers.has(id) && wentOff++) }).enable();
  await run();
  hook.disable();
  return { made: timers.size, wentOff, immediates };
}

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
    const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
    for (const listener of listeners) process.off('uncaughtException', listener); // mocha's
    const caught = new Promise((resolve) => process.once('uncaughtException', resolve));
    const [later, others] = [new Waiter(20), [new Waiter(5), new Waiter(5)]];
    const thrower = new Waiter(5, () => {
      throw thrown;
    });
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    expect(await caught).to.equal(thrown);
    for (const listener of listeners) process.on('uncaughtException', listener);
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

  it('come while other waits end in every turn', async () => {
    const waiter = new Waiter(20);
    while (waiter.bucket !== undefined) {
      clearDeadline(new Waiter(25));
      await turns(1);
    }
    expect(await waiter.over).to.be.at.least(20);
  });

  describe('share one timer', () => {
    it('that does not keep the process alive', async () => {
      const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const { made } = await timersOf(async () => {
        const before = alive();
        const waiter = new Waiter(5);
        await turns(3);
        expect(alive()).to.equal(before);
        await waiter.over;
      });
      expect(made).to.equal(1);
    });

    it('that is not set for later ones', async () => {
      const first = new Waiter(50_000);
      await turns(3);
      const { made } = await timersOf(async () => {
        const later = Array.from({ length: 1000 }, (_, i) => new Waiter(60_000 + i * 1000));
        await turns(3);
        later.forEach(clearDeadline);
      });
      clearDeadline(first);
      expect(made).to.equal(0);
    });

    it('that goes off once for each of them, and not for those that are over', async () => {
      await new Waiter(20).over;
      const { made, wentOff } = await timersOf(async () => {
        const waiters = [new Waiter(300), new Waiter(20)];
        clearDeadline(new Waiter(5));
        for (const { over } of waiters) await over;
      });
      expect([made, wentOff]).to.deep.equal([2, 2]);
    });

    it('that is cleared when an earlier one is set', async () => {
      await new Waiter(20).over;
      const { made, wentOff } = await timersOf(async () => {
        const late = new Waiter(300);
        await turns(3);
        await new Waiter(20).over;
        await late.over;
        await new Waiter(50).over;
      });
      expect([made, wentOff]).to.deep.equal([4, 3]); // for 300, 20, then again for 300, and for 50
    });

    it('that is set when a turn has ended none of them, and then the event loop sleeps', async () => {
      await new Waiter(20).over;
      const { made, immediates } = await timersOf(async () => {
        const waiter = new Waiter(50_000);
        await turns(10); // an immediate each
        clearDeadline(waiter);
      });
      expect([made, immediates]).to.deep.equal([1, 12]);
    });

    it('that is not set when none of them is left', async () => {
      const { made, immediates } = await timersOf(async () => {
        clearDeadline(new Waiter(20));
        await turns(3);
      });
      expect([made, immediates]).to.deep.equal([0, 4]);
    });

    it('that is not set while every turn ends some of them', async () => {
      await new Waiter(20).over;
      const { made } = await timersOf(async () => {
        for (const waiter of Array.from({ length: 20 }, (_, i) => new Waiter(60_000 + i * 1000))) {
          await turns(1);
          clearDeadline(waiter);
        }
        await turns(3);
      });
      expect(made).to.equal(0);
    });
  });
});
