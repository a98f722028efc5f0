/** Behind our alert we feed OpenSSL ourselves. What an application sees between two records of one read stays as it is without us. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS } from '../support/pair.js';
import { uncaught } from '../support/uncaught.js';

/** A `Duplex` pushes from JavaScript: there Node runs nothing between two records either. */
const KINDS = ['TCP', 'a Unix socket', 'TLS in TLS'];
const RECORDS = ['a', 'b', 'c'];

for (const kind of KINDS) {
  for (const version of VERSIONS) {
    for (const side of SIDES) {
      describe(`records of one read behind our alert, over ${kind}, ${version} as ${side}`, () => {
        const read = async (isClean = true): Promise<{ answer: Promise<number>; arrive: () => void; fin: () => void; ours: TLSSocket }> => {
          const { ours, forger, deliver, fin } = await FORGED[kind]!(version, side, watch);
          const answer = gracefulShutdown(ours, { bidirectional: true });
          await forger.untilOurAlert();
          const bytes = Buffer.concat([...RECORDS.map((each) => forger.sealData(each)), ...(isClean ? [forger.sealAlert(1, 0)] : [])]);
          return { ours, answer, arrive: () => deliver(bytes), fin };
        };

        it('each come behind the ticks and microtasks of the one before', async () => {
          const { ours, answer, arrive } = await read();
          const order: string[] = [];
          ours.on('data', (chunk: Buffer) => {
            order.push(`${chunk}`);
            process.nextTick(() => process.nextTick(() => order.push(`tick ${chunk}`)));
            void Promise.resolve().then(() => void Promise.resolve().then(() => order.push(`microtask ${chunk}`)));
          });
          ours.on('end', () => order.push('end'));
          arrive();
          expect(await answer).to.equal(1);
          expect(order).to.deep.equal([...RECORDS.flatMap((each) => [each, `tick ${each}`, `microtask ${each}`]), 'end']);
        });

        it("are all seen by whoever awaits one 'data' after the other", async () => {
          const { ours, answer, arrive } = await read();
          arrive();
          const seen: string[] = [];
          for (const _ of RECORDS) seen.push(String((await once(ours, 'data'))[0]));
          expect(seen).to.deep.equal(RECORDS);
          expect(await answer).to.equal(1);
        });

        it('are all seen where a listener throws at each, and so is each error', async () => {
          const { ours, answer, arrive } = await read();
          const errors = uncaught(RECORDS.length);
          ours.on('data', (chunk: Buffer) => {
            throw new Error(`${chunk}`);
          });
          arrive();
          expect((await errors).map((error) => (error as Error).message)).to.deep.equal(RECORDS);
          expect(await answer).to.equal(1);
        });

        it('are all seen where a listener throws at the first, and a FIN came in the same poll; and so is that end', async () => {
          const { ours, answer, arrive, fin } = await read(false);
          const error = uncaught(1);
          ours.once('data', () => {
            throw new Error('own');
          });
          const seen: string[] = [];
          ours.on('data', (chunk: Buffer) => seen.push(`${chunk}`));
          const end = once(ours, 'end');
          arrive();
          fin();
          await error;
          expect(await answer).to.equal(-1);
          expect(getShutdown(ours).received).to.equal('fin');
          await end;
          expect(seen).to.deep.equal(RECORDS.slice(1)); // Node calls no other listener behind one that throws
        });
      });
    }
  }
}
