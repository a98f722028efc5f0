import { createHook } from 'node:async_hooks';
import { expect } from 'chai';
import { clearDeadline } from '../src/deadline.js';
import { turns } from './support/pair.js';
import { Waiter } from './support/waiter.js';

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

describe('all deadlines share one timer', () => {
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
