/** A socket with methods of the application's own, which fail, or call Node's later: what becomes of it is what would without us, and errors are held. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, closed, makePair, seenBy, turns } from '../support/pair.js';
import { uncaught } from '../support/uncaught.js';

type Destroy = TLSSocket['_destroy'];

const reason = new Error('own');
const WAYS: Record<string, (destroy: Destroy) => Destroy> = {
  throws: (destroy) =>
    function (this: TLSSocket, error, _callback) {
      destroy.call(this, error, () => {});
      throw reason;
    },
  'calls back with an error': (destroy) =>
    function (this: TLSSocket, error, callback) {
      destroy.call(this, error, () => callback(reason));
    },
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const [way, failing] of Object.entries(WAYS)) {
      for (const value of [0, 1]) {
        for (const listeners of [0, 1]) {
          it(`an own _destroy that ${way} after a ${value} ends no process, ${version} as ${side}, ${listeners} listeners`, async () => {
            const { ours, peer } = await makePair({ version, side });
            const before = ours.listenerCount('error'); // Node's own, on a server
            ours._destroy = failing(ours._destroy);
            const heard: unknown[] = [];
            if (listeners === 1) ours.on('error', (error) => heard.push(error));
            ours.resume();
            peer.resume();
            if (value === 1) peer.on('end', () => peer.end());
            const end = closed(ours);
            expect(await gracefulShutdown(ours, { bidirectional: value === 1 })).to.equal(value);
            if (value === 0) ours.destroy();
            await end;
            expect(heard).to.deep.equal(listeners === 1 ? [reason] : []);
            expect(ours.listenerCount('error')).to.equal(before + listeners);
            expect(await gracefulShutdown(ours)).to.equal(value === 1 ? 1 : -1);
          });
        }
      }
    }
  }
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`methods of the application's own, ${version} as ${side}`, () => {
      it('a _final that throws is an error event, and the socket is closed', async () => {
        const { ours } = await makePair({ version, side });
        const own = new Error('own');
        ours._final = () => {
          throw own;
        };
        const heard = once(ours, 'error');
        const end = closed(watch(ours));
        ours.end();
        expect(await heard).to.deep.equal([own]);
        await end;
        expect((await shutdown(ours)).error?.cause).to.equal(own);
      });

      it("a _final that calls Node's later sends the alert, and it is known", async () => {
        const { ours, peer } = await makePair({ version, side });
        const final = ours._final;
        ours._final = function (this: TLSSocket, callback) {
          void turns().then(() => final.call(this, callback));
        };
        watch(peer)
          .resume()
          .on('end', () => peer.end());
        expect(await gracefulShutdown(ours.resume(), { bidirectional: true })).to.equal(1);
        expect(seenBy(peer)).to.equal('close_notify');
      });

      for (const sends of [false, true]) {
        it(`a _final that calls back at once ${sends ? 'and calls Node' : 'and sends nothing'} is ${sends ? 'believed' : 'NOT_SENT'}`, async () => {
          const { ours, peer } = await makePair({ version, side });
          const final = ours._final;
          ours._final = function (this: TLSSocket, callback) {
            if (sends) final.call(this, () => {});
            callback();
          };
          watch(peer)
            .resume()
            .on('end', () => peer.end());
          const { error, state } = await shutdown(ours.resume());
          expect(error?.code).to.equal(sends ? undefined : 'ERR_TLS_SHUTDOWN_NOT_SENT');
          expect(state.sent).to.equal(sends ? 'close_notify' : 'lost');
        });
      }

      it("a _final that calls Node's later, behind a reset, makes no 1", async () => {
        const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
        relay.holdFin(toUs);
        const final = ours._final;
        ours._final = function (this: TLSSocket, callback) {
          relay.resetNow(toUs);
          void turns(3).then(() => final.call(this, callback));
        };
        watch(ours).resume();
        peer.end();
        await once(ours, 'end');
        const { error, state } = await shutdown(ours, { bidirectional: true });
        expect(error?.code).to.equal('ERR_TLS_SHUTDOWN_TRANSPORT');
        expect(state).to.deep.equal({ sent: 'lost', received: 'close_notify' });
        expect(await gracefulShutdown(ours)).to.equal(-1);
      });

      it('an end() that throws destroys the socket with what it threw', async () => {
        const { ours } = await makePair({ version, side });
        ours.end = () => {
          throw reason;
        };
        const heard = once(ours, 'error');
        const { error } = await shutdown(ours, { bidirectional: true });
        expect(error).to.include({ code: 'ERR_TLS_SHUTDOWN_TRANSPORT', cause: reason });
        expect(await heard).to.deep.equal([reason]);
      });

      it('a resume() that throws rejects, and the shutdown goes on', async () => {
        const { ours, peer } = await makePair({ version, side });
        peer.resume().on('end', () => peer.end());
        const { resume } = ours;
        ours.resume = () => {
          throw reason;
        };
        const failed = await gracefulShutdown(ours, { unread: 'discard' }).catch((error: unknown) => error);
        expect(failed).to.equal(reason);
        ours.resume = resume;
        expect(await gracefulShutdown(ours.resume(), { bidirectional: true })).to.equal(1);
      });

      for (const event of ['removeListener', 'newListener'] as const) {
        it(`a '${event}' listener that throws keeps no call from its answer when the socket is destroyed`, async () => {
          const { ours } = await makePair({ version, side });
          const answer = shutdown(ours, { bidirectional: true, timeout: Infinity });
          await turns();
          ours.on('error', () => {}).on(event, (name) => {
            if (name === (event === 'removeListener' ? 'error' : 'close')) throw reason;
          });
          const errors = event === 'removeListener' ? uncaught(1) : undefined; // it is ours that comes off, at 'close'
          ours.destroy(event === 'removeListener' ? undefined : reason);
          expect((await answer).value).to.equal(-1);
          if (errors !== undefined) expect(await errors).to.deep.equal([reason]);
        });
      }

      for (const again of [false, true]) {
        it(`a push that ${again ? 'passes the end on twice' : 'lets the end out later, paused'} makes no 1 of a FIN`, async () => {
          const onread = { buffer: Buffer.alloc(4096), callback: () => true };
          const { ours, relay, toUs } = await makePair({ version, side, ...(side === 'client' && { client: { onread } as object }) });
          const { push } = watch(ours);
          ours.push = function (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
            if (chunk !== null) return push.call(this, chunk, encoding);
            if (again) return push.call(this, null), push.call(this, null);
            void turns().then(() => push.call(this.pause(), null));
            return false;
          };
          ours.resume();
          relay.fin(toUs);
          const result = await shutdown(ours, { bidirectional: true });
          expect(result.value).to.equal(-1);
          expect(result.state.received).to.be.oneOf(again ? ['fin', 'unverified'] : ['unverified']);
        });
      }

      it("a push that lets the end out in another socket's read callback, paused, makes no 1 of a FIN", async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        const other = await makePair({ version, side });
        const { push } = watch(ours);
        const kept = new Promise<void>((resolve) => {
          ours.push = function (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
            if (chunk !== null) return push.call(this, chunk, encoding);
            other.ours.once('data', () => push.call(this, null));
            resolve();
            return false;
          };
        });
        ours.resume();
        relay.fin(toUs);
        await kept;
        const { _handle: handle } = ours.pause() as unknown as { _handle: { reading: boolean; readStop(): void } };
        handle.reading = false;
        handle.readStop();
        other.peer.write('now');
        const result = await shutdown(ours, { bidirectional: true });
        expect(result).to.include({ value: -1 });
        expect(result.state.received).to.equal('unverified');
      });

      const PRINTERS: Record<string, typeof Error.prepareStackTrace | number> = {
        'prints no header line': (_error, sites) => sites.join('\n'),
        throws: () => {
          throw reason;
        },
        'gives an array': (_error, sites) => sites,
        'is of no depth': 0,
      };
      for (const [how, printer] of Object.entries(PRINTERS)) {
        for (const clean of [true, false]) {
          it(`a stack trace that ${how} makes no ${clean ? '-1 of an alert' : '1 of a FIN'}, with a push over ours`, async () => {
            const { ours, peer, relay, toUs } = await makePair({ version, side });
            const { push } = watch(ours);
            ours.push = function (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
              const more = push.call(this, chunk, encoding);
              return chunk === null && !clean ? push.call(this, null) : more;
            };
            const { prepareStackTrace, stackTraceLimit } = Error;
            if (typeof printer === 'number') Error.stackTraceLimit = printer;
            else Error.prepareStackTrace = printer!;
            const put = [Error.prepareStackTrace, Error.stackTraceLimit];
            try {
              const ended = once(ours.resume(), 'end');
              if (clean) peer.end();
              else relay.fin(toUs);
              await ended;
              expect([Error.prepareStackTrace, Error.stackTraceLimit]).to.deep.equal(put);
            } finally {
              Error.prepareStackTrace = prepareStackTrace!;
              Error.stackTraceLimit = stackTraceLimit;
            }
            const received = clean ? ['close_notify'] : ['fin', 'unverified'];
            expect(getShutdown(ours).received).to.be.oneOf(received);
          });
        }
      }

      it('a push(null) in the turn of a FIN is no proof of an alert', async () => {
        const { ours, relay, toUs } = await makePair({ version, side });
        const { push } = watch(ours);
        ours.push = function (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
          if (chunk === null) setImmediate(() => push.call(this, null)); // after Node's own, before it is judged
          return push.call(this, chunk, encoding);
        };
        ours.resume();
        relay.fin(toUs);
        const result = await shutdown(ours, { bidirectional: true });
        expect(result.value).to.equal(-1);
        expect(result.state.received).to.be.oneOf(['fin', 'unverified']);
      });
    });
  }
}
