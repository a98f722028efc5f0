/** Behind a read that has filled its buffer libuv reads once more, and reports nothing (EAGAIN). That is no end of the transport. */
import { expect } from 'chai';
import { shutdown, watch } from '../../src/index.js';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns } from '../support/pair.js';

/** The buffer that the transport's bytes are read into once our alert is out. */
const BUFFER_BYTES = 65_536;

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const kind of ['TCP', 'a Unix socket', 'TLS in TLS']) {
      for (const reads of [1, 2, 3]) {
        it(`nothing is lost behind our alert where ${reads} reads fill the buffer, over ${kind}, ${version} as ${side}`, async () => {
          const { ours, forger, deliver } = await FORGED[kind]!(version, side, watch);
          let read = 0;
          ours.on('data', (chunk: Buffer) => (read += chunk.length)).on('error', () => {});
          const answer = shutdown(ours, { bidirectional: true });
          await forger.untilOurAlert();
          const records: Buffer[] = [];
          for (let i = 0; i < 20; i++) records.push(forger.sealData(Buffer.alloc(12_000)));
          const bytes = Buffer.concat([...records, forger.sealAlert(1, 0)]);
          for (let i = 0; i < reads; i++) {
            deliver(bytes.subarray(i * BUFFER_BYTES, (i + 1) * BUFFER_BYTES));
            await turns(6);
          }
          deliver(bytes.subarray(reads * BUFFER_BYTES));
          const { value, state } = await answer;
          expect([value, state.received, read]).to.deep.equal([1, 'close_notify', 240_000]);
        });
      }
    }
  }
}
