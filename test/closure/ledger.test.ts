import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { Ledger, finishedLength, recordOverhead } from '../../src/closure/ledger.js';
import { ReceivedBytes } from '../../src/connection/received-bytes.js';

const TICKET = 240;

for (const cipher of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_CCM_8_SHA256']) {
  describe(`ledger of ciphertext, ${cipher}`, () => {
    const RECORD = recordOverhead(cipher);
    const ALERT = RECORD + 2;
    const TICKET_RECORD = RECORD + TICKET + 17 + 8; // OpenSSL's nonce is 8 bytes long

    it('rules a hidden alert out when nothing came', () => {
      expect(new Ledger(RECORD, 2000, 0).mayHide(2000, 0, 0)).to.equal(false);
    });

    it('rules it out when plaintext accounts for everything, also in one read', () => {
      const ledger = new Ledger(RECORD, 2000, 0);
      for (let i = 0; i < 3; i++) ledger.record(100, 2000 + 3 * (100 + RECORD));
      expect(ledger.mayHide(2000 + 3 * (100 + RECORD), 300, 0)).to.equal(false);
    });

    it('leaves room for two alerts behind data, in the same read and in a later one', () => {
      const now = 2000 + 100 + RECORD + 2 * ALERT;
      for (const sameRead of [true, false]) {
        const ledger = new Ledger(RECORD, 2000, 0);
        ledger.record(100, sameRead ? now : 2000 + 100 + RECORD);
        expect(ledger.mayHide(now, 100, 0)).to.equal(true);
      }
    });

    it('one alert is not enough: user_canceled alone ends nothing', () => {
      expect(new Ledger(RECORD, 0, 0).mayHide(ALERT, 0, 0)).to.equal(false);
    });

    for (const tickets of [1, 2, 3]) {
      it(`takes ${tickets} session tickets out, and still sees the alerts behind them`, () => {
        const ledger = new Ledger(RECORD, 2000, 0);
        const now = 2000 + tickets * TICKET_RECORD;
        expect(ledger.mayHide(now, 0, TICKET)).to.equal(false);
        expect(ledger.mayHide(now + 2 * ALERT, 0, TICKET)).to.equal(true);
      });
    }

    it('forgets what came before plaintext that still came: that was not hidden', () => {
      const ledger = new Ledger(RECORD, 2000, 0);
      ledger.record(1, 2000 + 5000 + 1 + RECORD); // 5,000 bytes that nobody can explain, in one read with a record
      ledger.record(1, 7000 + 1 + RECORD + 1 + RECORD);
      expect(ledger.mayHide(7000 + 2 * (1 + RECORD), 2, 0)).to.equal(false);
    });

    it('leaves room for a close_notify behind data, and the user_canceled before it', () => {
      const ledger = new Ledger(RECORD, 2000, 0);
      ledger.record(1, 2000 + ALERT + 1 + RECORD);
      ledger.record(1, 2000 + ALERT + 2 * (1 + RECORD));
      expect(ledger.mayHide(2000 + ALERT + 2 * (1 + RECORD), 2, 0)).to.equal(false);
      expect(ledger.mayHide(2000 + 2 * ALERT + 2 * (1 + RECORD), 2, 0)).to.equal(true);
    });

    it('counts plaintext that went past it, as to a parser that reads natively', () => {
      const ledger = new Ledger(RECORD, 0, 0);
      expect(ledger.mayHide(500 + RECORD, 500, 0)).to.equal(false);
      expect(ledger.mayHide(500 + RECORD + 2 * ALERT, 500, 0)).to.equal(true);
    });

    it("says that it can't tell when Node gives no numbers", () => {
      expect(new Ledger(RECORD, NaN, NaN).mayHide(NaN, NaN, 0)).to.equal(true);
    });

    it('never rules a hidden pair out, over random reads of random records', () => {
      let seed = 1;
      const random = (below: number): number => (seed = (seed * 48_271) % 0x7fffffff) % below;
      for (let run = 0; run < 2000; run++) {
        const records = Array.from({ length: random(20) }, () => 1 + random(random(5) === 0 ? 16_384 : 200));
        const ends: number[] = [];
        let at = 0;
        for (const length of records) ends.push((at += length + RECORD));
        const total = at + 2 * ALERT;
        const ledger = new Ledger(RECORD, 0, 0);
        let given = 0;
        let plain = 0;
        for (let read = 0; read < total; ) {
          read = Math.min(total, read + 1 + random(40_000));
          while (given < records.length && ends[given]! <= read) {
            plain += records[given]!;
            ledger.record(records[given++]!, read);
          }
        }
        expect(ledger.mayHide(total, plain, 0), `run ${run}`).to.equal(true);
      }
    });
  });
}

it('a record is 22 bytes longer than its plaintext, and 14 with the short tag of CCM_8', () => {
  for (const [cipher, overhead] of [['TLS_CHACHA20_POLY1305_SHA256', 22], ['TLS_AES_128_CCM_SHA256', 22], ['TLS_AES_128_CCM_8_SHA256', 14]] as const) {
    const pair = 2 * (overhead + 2);
    expect(finishedLength(cipher)).to.equal(overhead + 36);
    expect(new Ledger(recordOverhead(cipher), 0, 0).mayHide(pair, 0, 0), cipher).to.equal(true);
    expect(new Ledger(recordOverhead(cipher), 0, 0).mayHide(pair - 1, 0, 0), cipher).to.equal(false);
  }
});

it('ReceivedBytes counts from the moment it was opened, though it is made later', () => {
  const parent = { bytesRead: 2000 };
  const socket = { _handle: { _parent: parent, bytesRead: 0 }, getProtocol: () => 'TLSv1.3', getCipher: () => ({ name: 'TLS_AES_256_GCM_SHA384' }) };
  const opened = new ReceivedBytes(socket as unknown as TLSSocket, true);
  parent.bytesRead += 48; // two alerts, two bytes each, in two records
  expect(opened.ledger()!.mayHide(parent.bytesRead, 0, 0)).to.equal(true);
  expect(new ReceivedBytes(socket as unknown as TLSSocket, true).ledger()!.mayHide(parent.bytesRead, 0, 0)).to.equal(false);
});
