/** A TLS 1.3 alert may be padded to the length of any data (RFC 8446 section 5.4). What comes behind it is plaintext all the same. */
import { expect } from 'chai';
import { getShutdown, unwrap } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, turns } from '../support/pair.js';
import { DATA } from '../support/sealing.js';
import { readBytes } from '../support/wrapped.js';

const MAX_PLAINTEXT = 2 ** 14;
/** Looks like a record of `length` bytes. */
const likeRecord = (length: number): Buffer => Buffer.concat([Buffer.from([DATA, 3, 3, length >> 8, length & 255]), Buffer.alloc(length, 'plain')]);

for (const side of SIDES) {
  for (const [kind, make] of Object.entries(FORGED).filter(([name]) => name.startsWith('wrap()'))) {
    describe(`unwrap and an alert that is padded, ${side}, ${kind}`, () => {
      for (const padding of [0, 1, 1000, MAX_PLAINTEXT - 20, MAX_PLAINTEXT - 3, MAX_PLAINTEXT - 2]) {
        for (const before of [0, 1, 3]) {
          it(`loses nothing of plaintext like a full record behind ${padding} bytes of padding and ${before} full records, in one segment`, async () => {
            const { ours, forger, deliver, transport } = await make('TLSv1.3', side, () => {});
            const data = Array.from({ length: before }, () => forger.sealData(Buffer.alloc(MAX_PLAINTEXT, 'TLS')));
            const plaintext = Buffer.concat([likeRecord(MAX_PLAINTEXT + 17), likeRecord(MAX_PLAINTEXT), Buffer.from('and more')]);
            let length = 0;
            ours.on('data', (chunk: Buffer) => (length += chunk.length));
            const unwrapped = unwrap(ours);
            deliver(Buffer.concat([...data, forger.sealAlert(1, 0, padding), plaintext]));
            const plain = await unwrapped;
            expect(plain).to.equal(transport);
            expect((await readBytes(plain, plaintext.length)).equals(plaintext)).to.equal(true);
            await turns();
            expect(length).to.equal(before * MAX_PLAINTEXT);
            expect(getShutdown(ours)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
          });
        }
      }
    });
  }
}
