import { expect } from 'chai';
import tls, { type TLSSocket } from 'node:tls';
import { drainSockets } from '../../src/index.js';
import { Slices } from '../../src/drain/slices.js';
import { outcome } from '../support/origins.js';
import { certificate, listen, track, turns } from '../support/pair.js';

/** What one turn has done after another, from the first that does anything until nothing is left. */
async function eachTurn(done: unknown[]): Promise<unknown[][]> {
  const slices: unknown[][] = [];
  for (let idle = 0; idle < 3; idle = done.length > 0 ? 0 : idle + 1) {
    if (done.length > 0) slices.push(done.splice(0));
    await turns(1);
  }
  return slices;
}

describe('slices of a drain', () => {
  const make = (): { slices: Slices; done: unknown[]; close: (name: unknown) => void } => {
    const done: unknown[] = [];
    return { slices: new Slices(() => done.push('freed')), done, close: (name) => void done.push(name) };
  };

  it('are of 256 in a turn, in the order of the asking', async () => {
    const { slices, done, close } = make();
    const names = Array.from({ length: 520 }, (_, i) => i);
    for (const name of names) slices.add(close, name);
    expect(await eachTurn(done)).to.deep.equal([names.slice(0, 256), names.slice(256, 512), names.slice(512)]);
  });

  it('free a socket at once when no other is to be closed', () => {
    const { slices, done } = make();
    slices.freeLater(() => void done.push('free'));
    expect(done).to.deep.equal(['free']);
    expect(slices.holding).to.equal(false);
  });

  it('free the others when the last is closed, 256 in a turn, and say so once', async () => {
    const { slices, done, close } = make();
    for (let i = 0; i < 257; i++) slices.add(close, 'close');
    for (let i = 0; i < 257; i++) slices.freeLater(() => void done.push('free'));
    expect(slices.holding).to.equal(true);
    const [first, second, third, fourth, ...more] = await eachTurn(done);
    expect([new Set(first), new Set(second), new Set(third)]).to.deep.equal([new Set(['close']), new Set(['close']), new Set(['free'])]);
    expect(fourth).to.deep.equal(['free', 'freed']);
    expect(more).to.deep.equal([]);
    expect(slices.holding).to.equal(false);
  });

  it('hold 8,192, and free all of them before the next is closed when there are more', async () => {
    const { slices, done, close } = make();
    for (let i = 0; i < 600; i++) slices.add(close, 'close');
    for (let i = 0; i < 8192; i++) slices.freeLater(() => void done.push('free'));
    await turns(1);
    expect(new Set(done.splice(0))).to.deep.equal(new Set(['close']));
    slices.freeLater(() => void done.push('free'));
    const rest = (await eachTurn(done)).flat();
    expect(rest.slice(0, 8193)).to.deep.equal(Array.from({ length: 8193 }, () => 'free'));
    expect(rest.slice(8193)).to.deep.equal(['freed', ...Array.from({ length: 600 - 256 }, () => 'close')]);
  });

  it('go on after a task that throws, which is an uncaught exception', async () => {
    const { slices, done, close } = make();
    const listeners = process.listeners('uncaughtException'); // mocha's
    for (const listener of listeners) process.off('uncaughtException', listener);
    const reason = new Error('of the application');
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    try {
      slices.add(() => {
        throw reason;
      }, undefined);
      slices.add(close, 'after');
      expect(await thrown).to.equal(reason);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    await turns();
    expect(done).to.deep.equal(['after']);
  });

  for (const forced of [false, true]) {
    it(`have closed every socket when the report comes${forced ? ', also by force' : ''}`, async () => {
      const server = track(tls.createServer(certificate, (socket) => void socket.on('error', () => {}).resume()));
      const port = await listen(server);
      const sockets = await Promise.all(
        Array.from({ length: 2000 }, () => {
          const socket: TLSSocket = track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
          return new Promise<TLSSocket>((resolve) => socket.once('secureConnect', () => resolve(socket)));
        }),
      );
      const force = new AbortController();
      const drained = drainSockets(sockets, {
        force: force.signal,
        onProgress: ({ complete }) => void (forced && complete >= 300 && force.abort()),
      });
      const report = await drained;
      expect(sockets.filter(({ closed }) => !closed).length).to.equal(0);
      if (!forced) expect(outcome(report)).to.deep.equal({ total: 2000, complete: 2000 });
      else expect(report.complete + report.forced).to.equal(2000);
    });
  }
});
