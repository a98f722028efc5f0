/** A quiet call always settles, and its socket is destroyed, whatever methods of its own an application has put on the socket, and whether or not it waits. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, turns, untrack, type Pair } from '../support/pair.js';

const reason = new Error('own');
type Destroy = TLSSocket['destroy'];

const DESTROYS: Record<string, { put: (destroy: Destroy) => Destroy; heard: unknown[] }> = {
  'throws at once': {
    put: () => () => {
      throw reason;
    },
    heard: [reason],
  },
  "calls Node's and then throws": {
    put: (destroy) =>
      function (this: TLSSocket, error?: Error) {
        destroy.call(this, error);
        throw reason;
      },
    heard: [reason],
  },
  'does nothing': {
    put: () =>
      function (this: TLSSocket) {
        return this;
      },
    heard: [],
  },
  "calls Node's a turn later": {
    put: (destroy) =>
      function (this: TLSSocket, error?: Error) {
        setImmediate(() => destroy.call(this, error));
        return this;
      },
    heard: [],
  },
};

function putOwn(socket: TLSSocket, put: (destroy: Destroy) => Destroy): void {
  untrack(socket); // nor can the hook call it
  socket.destroy = put(socket.destroy);
}

interface End {
  readonly timeout: number;
  readonly end: (pair: Pair) => unknown;
}

/** What ends the linger of a quiet call. */
const ENDS: Record<string, End> = {
  "the peer's FIN": { timeout: Infinity, end: ({ relay, toUs }) => relay.fin(toUs) },
  "the peer's close_notify": { timeout: Infinity, end: ({ peer }) => peer.end() },
  'a fatal answer of a peer that stays': { timeout: Infinity, end: ({ relay, toUs }) => (relay.holdFin(toUs), relay.inject(toUs, Buffer.from('garbage in place of a record'))) },
  'the timeout': { timeout: 30, end: () => {} },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`quiet settles, ${version} as ${side}`, () => {
      for (const [how, { put, heard }] of Object.entries(DESTROYS)) {
        for (const [what, { timeout, end }] of Object.entries<End>({ ...ENDS, 'a timeout of 0': { timeout: 0, end: () => {} } })) {
          it(`in 1, and the socket is destroyed, at ${what}, with an own destroy() that ${how}`, async () => {
            const pair = await makePair({ version, side });
            const { ours, relay } = pair;
            putOwn(ours, put);
            const errors: unknown[] = [];
            ours.on('error', (error) => errors.push(error));
            const over = closed(ours);
            const quiet = gracefulShutdown(ours, { quiet: true, timeout });
            if (timeout === Infinity) await relay.until(() => relay.fins.length > 0);
            end(pair);
            expect(await quiet).to.equal(1);
            await over;
            expect(ours.destroyed).to.equal(true);
            expect(errors.filter((error) => error === reason)).to.deep.equal(heard);
            expect(getShutdown(ours).sent).to.equal('quiet');
          });
        }

        it(`in 1 on a socket whose alert is out, at its timeout, with an own destroy() that ${how}`, async () => {
          const { ours } = await makePair({ version, side });
          expect(await gracefulShutdown(ours)).to.equal(0);
          putOwn(ours, put);
          const over = closed(ours);
          expect(await gracefulShutdown(ours, { quiet: true, timeout: 30 })).to.equal(1);
          await over;
        });

        it(`in -1 when its end() throws, with an own destroy() that ${how}`, async () => {
          const { ours } = await makePair({ version, side });
          putOwn(ours, put);
          const own = new Error('own end');
          ours.end = () => {
            throw own;
          };
          const over = closed(ours);
          const results = await Promise.all([shutdown(ours, { quiet: true, timeout: Infinity }), shutdown(ours, { quiet: true, timeout: Infinity })]);
          for (const { value } of results) expect(value).to.equal(-1);
          await over;
        });
      }

      for (const method of ['resume', 'read'] as const) {
        for (const [what, { timeout, end }] of Object.entries(ENDS)) {
          it(`by what an own ${method}() throws, and the socket is closed and destroyed all the same, at ${what}`, async () => {
            const pair = await makePair({ version, side });
            const { ours, peer, relay, toPeer } = pair;
            if (method === 'read') ours.pause().on('data', () => {});
            if (method === 'read') ours.on('readable', () => {});
            const original = ours[method];
            ours[method] = () => {
              throw reason;
            };
            ours.write('flushed');
            const over = closed(ours);
            const failed = await gracefulShutdown(ours, { quiet: true, unread: 'discard', timeout }).catch((error: unknown) => error);
            expect(failed).to.equal(reason);
            ours[method] = original as never;
            expect(String((await once(peer, 'data'))[0])).to.equal('flushed');
            await relay.until(() => relay.fins.includes(toPeer));
            end(pair);
            await over;
            expect(getShutdown(ours).sent).to.equal('quiet');
          });
        }
      }

      for (const [what, { timeout, end }] of Object.entries(ENDS)) {
        it(`by an AbortError, and the socket is still destroyed at ${what}`, async () => {
          const pair = await makePair({ version, side });
          const { ours, peer, relay, toPeer } = pair;
          const controller = new AbortController();
          ours.write('flushed');
          const quiet = gracefulShutdown(ours, { quiet: true, timeout, signal: controller.signal });
          const over = closed(ours);
          controller.abort();
          expect(await quiet.catch((error: unknown) => error)).to.include({ name: 'AbortError' });
          expect(String((await once(peer, 'data'))[0])).to.equal('flushed');
          await relay.until(() => relay.fins.includes(toPeer));
          expect(getShutdown(ours).sent).to.equal('quiet');
          end(pair);
          await over;
        });
      }

      it('by an AbortError while it flushes, and flushes all before it destroys the socket', async () => {
        const { ours, peer, relay, toPeer } = await makePair({ version, side });
        relay.stall(toPeer, true);
        ours.write(Buffer.alloc(20_000_000));
        const controller = new AbortController();
        const quiet = gracefulShutdown(ours, { quiet: true, timeout: 1, signal: controller.signal });
        controller.abort();
        expect(await quiet.catch((error: unknown) => error)).to.include({ name: 'AbortError' });
        await new Promise((resolve) => setTimeout(resolve, 10)); // its timeout is over
        await turns();
        expect(ours.destroyed).to.equal(false);
        const over = closed(ours);
        relay.stall(toPeer, false);
        let length = 0;
        peer.on('data', (chunk: Buffer) => (length += chunk.length));
        await once(peer, 'end');
        expect(length).to.equal(20_000_000);
        peer.end();
        await over;
      });
    });
  }
}
