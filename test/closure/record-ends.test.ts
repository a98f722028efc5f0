/** The pieces of a byte stream that we join anywhere: at most one record ends in each, and where records may have ended is said. */
import { expect } from 'chai';
import { RecordEnds } from '../../src/closure/record.js';
import { chance } from '../support/random.js';

const SHORTEST = 14;

interface Stream {
  readonly bytes: Buffer;
  /** Behind each record, and whether it gives plaintext. */
  readonly ends: ReadonlyMap<number, boolean>;
}

function stream(below: (n: number) => number, silent: boolean): Stream {
  const records: Buffer[] = [];
  const ends = new Map<number, boolean>();
  let length = 0;
  for (let i = 0; i < 40; i++) {
    const body = below(3) === 0 ? SHORTEST - 5 : SHORTEST - 5 + below(below(8) === 0 ? 16_384 : 200);
    const record = Buffer.alloc(5 + body, 0x17);
    record.writeUInt16BE(0x0303, 1);
    record.writeUInt16BE(body, 3);
    records.push(record);
    length += record.length;
    ends.set(length, !silent && below(3) > 0);
  }
  return { bytes: Buffer.concat(records), ends };
}

describe('where records may end', () => {
  for (const silent of [false, true]) {
    it(`at most one ends in a piece, and an end is never missed, in 40 streams ${silent ? 'without plaintext' : 'of data and others'}`, () => {
      const random = chance(20_261_130);
      const below = (n: number): number => random.below(n);
      for (let run = 0; run < 40; run++) {
        const { bytes, ends } = stream(below, silent);
        const joined = below(200);
        const sut = new RecordEnds();
        let pieces = 0;
        for (let at = joined; at < bytes.length; ) {
          const chunk = Math.min(bytes.length, at + 1 + below(20_000));
          while (at < chunk) {
            const to = at + sut.next(chunk - at);
            expect(to).to.be.greaterThan(at).and.at.most(chunk);
            const within = [...ends.keys()].filter((end) => end > at && end <= to);
            expect(within.length, `run ${run}, ${at} to ${to}`).to.be.at.most(1);
            const plaintext = within.some((end) => ends.get(end));
            sut.passed(bytes.subarray(at, to), plaintext);
            if (within.length > 0) expect(sut.mayHaveEnded, `run ${run}, ${at} to ${to}`).to.equal(true);
            at = to;
            pieces++;
          }
        }
        if (silent) expect(pieces).to.be.below(bytes.length / 5 + 50);
      }
    });
  }

  it('byte by byte is no longer than the longest record, once: a peer may send nothing but records without plaintext', () => {
    const sut = new RecordEnds();
    sut.passed(Buffer.alloc(SHORTEST), true);
    let single = 0;
    for (let i = 0; i < 40_000; i++) {
      const length = sut.next(100_000);
      if (length === 1) single++;
      sut.passed(Buffer.alloc(length), false);
    }
    expect(single).to.be.within(16_000, 20_000);
    expect(sut.next(100_000)).to.equal(SHORTEST);
    sut.passed(Buffer.alloc(SHORTEST), true);
    expect(sut.next(100_000)).to.equal(SHORTEST);
  });

  it('are known behind the second plaintext: then a record passes as its header and the rest', () => {
    const sut = new RecordEnds();
    sut.passed(Buffer.alloc(SHORTEST), true);
    sut.passed(Buffer.alloc(1), true);
    expect(sut.next(100_000)).to.equal(5);
    sut.passed(Buffer.from('1703032000', 'hex'), false);
    expect(sut.mayHaveEnded).to.equal(false);
    expect(sut.next(100_000)).to.equal(0x2000);
    sut.passed(Buffer.alloc(0x2000), true);
    expect(sut.mayHaveEnded).to.equal(true);
  });
});
