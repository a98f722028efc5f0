import { expect } from 'chai';
import { once } from 'node:events';
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
  it('are of 128 in a turn, in the order of the asking', async () => {
    const [slices, done] = [new Slices(), [] as unknown[]];
    const names = Array.from({ length: 260 }, (_, i) => i);
    for (const name of names) slices.add(() => void done.push(name));
    expect(await eachTurn(done)).to.deep.equal([names.slice(0, 128), names.slice(128, 256), names.slice(256)]);
  });

  it('go on after a task that throws, which is an uncaught exception', async () => {
    const [slices, done] = [new Slices(), [] as unknown[]];
    const listeners = process.listeners('uncaughtException'); // mocha's
    for (const listener of listeners) process.off('uncaughtException', listener);
    const reason = new Error('of the application');
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    try {
      slices.add(() => {
        throw reason;
      });
      slices.add(() => void done.push('after'));
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
      const connect = async (): Promise<TLSSocket> => {
        const socket: TLSSocket = track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
        await once(socket, 'secureConnect');
        return socket;
      };
      const sockets: TLSSocket[] = [];
      while (sockets.length < 600) sockets.push(...(await Promise.all(Array.from({ length: 100 }, connect)))); // fewer at a time than the kernel's queue holds
      const force = new AbortController();
      const drained = drainSockets(sockets, {
        force: force.signal,
        onProgress: ({ complete }) => void (forced && complete >= 150 && force.abort()),
      });
      const report = await drained;
      expect(sockets.filter(({ closed }) => !closed).length).to.equal(0);
      if (!forced) expect(outcome(report)).to.deep.equal({ total: 600, complete: 600 });
      else expect(report.complete + report.forced).to.equal(600);
    });
  }
});
