/** A connection that has ended on both sides may still have data before a reader who takes his time. A drain waits for him before it destroys the socket. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { drainSockets } from '../../src/index.js';
import { outcome } from '../support/origins.js';
import { makePair, turns, VERSIONS } from '../support/pair.js';

const SIZE = 300_000;

/** Each reads to the end, a chunk at a time, and says how much there was. */
const READERS: Readonly<Record<string, (socket: TLSSocket) => Promise<number>>> = {
  "a 'data' listener that pauses": (socket) =>
    new Promise((resolve) => {
      let size = 0;
      socket.on('data', (chunk: Buffer) => {
        size += chunk.length;
        socket.pause();
        void turns(3).then(() => socket.resume());
      });
      socket.on('close', () => resolve(size));
    }),
  'a pipeline into something slow': async (socket) => {
    let size = 0;
    const sink = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, callback) {
        size += chunk.length;
        void turns(3).then(() => callback());
      },
    });
    await pipeline(socket, sink);
    return size;
  },
  'an iterator': async (socket) => {
    let size = 0;
    for await (const chunk of socket) {
      size += (chunk as Buffer).length;
      await turns(3);
    }
    return size;
  },
  "a 'readable' listener": (socket) =>
    new Promise((resolve) => {
      let size = 0;
      socket.on('readable', () => {
        void turns(3).then(() => {
          for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null; ) size += chunk.length;
        });
      });
      socket.on('close', () => resolve(size));
    }),
};

for (const version of VERSIONS) {
  describe(`a drain of a socket that is read slowly, ${version}`, () => {
    for (const [reader, read] of Object.entries(READERS)) {
      for (const finish of [undefined, async (socket: NodeJS.EventEmitter) => void (await once(socket, 'end'))]) {
        it(`complete, and nothing is lost: ${reader}${finish === undefined ? '' : ', and finish waits for the end'}`, async () => {
          const { ours, peer } = await makePair({ version, side: 'client', allowHalfOpen: true });
          const size = read(ours);
          peer.resume();
          const drained = drainSockets([ours], { grace: 10_000, ...(finish === undefined ? {} : { finish }) });
          peer.end(Buffer.alloc(SIZE));
          expect(outcome(await drained)).to.deep.equal({ total: 1, complete: 1 });
          expect(await size).to.equal(SIZE);
        });
      }
    }

    it('forced: nobody goes on to read', async () => {
      const { ours, peer } = await makePair({ version, side: 'client', allowHalfOpen: true });
      ours.on('data', () => ours.pause());
      peer.resume();
      const force = new AbortController();
      const drained = drainSockets([ours], { grace: 10_000, force: force.signal });
      const ended = once(peer, 'end');
      peer.end(Buffer.alloc(20_000));
      await ended;
      await turns(10);
      expect(ours.destroyed).to.equal(false);
      force.abort();
      expect(outcome(await drained)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    });
  });
}
