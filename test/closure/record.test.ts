/** Where TLS records begin and end, however the bytes come. */
import { expect } from 'chai';
import { RecordError, RecordScanner } from '../../src/closure/record.js';

const MAX = 2 ** 14 + 2 ** 11;
const FULL = 2 ** 14 + 17;

/** A record whose body tells its bytes apart. */
function record(type: number, length: number, minor = 3): Buffer {
  const bytes = Buffer.alloc(5 + length, 0);
  bytes.set([type, 3, minor, length >> 8, length & 255]);
  for (let i = 0; i < length; i++) bytes[5 + i] = (i * 31 + type) & 255;
  return bytes;
}

/** All records that are there. */
function drain(scanner: RecordScanner): Buffer[] {
  const records: Buffer[] = [];
  for (let next = scanner.next(); next !== null; next = scanner.next()) records.push(next);
  return records;
}

function scan(chunks: readonly Buffer[]): Buffer[] {
  const scanner = new RecordScanner();
  const records = chunks.flatMap((chunk) => (scanner.add(chunk), drain(scanner)));
  expect(scanner.rest().length).to.equal(0);
  return records;
}

function split(stream: Buffer, ...cuts: number[]): Buffer[] {
  return [0, ...cuts].map((cut, i) => stream.subarray(cut, cuts[i]));
}

/** `chai`'s own comparison of large buffers takes seconds. */
function expectSame(actual: readonly Buffer[], expected: readonly Buffer[], message: string): void {
  const same = actual.length === expected.length && actual.every((bytes, i) => bytes.equals(expected[i]!));
  if (!same) expect(actual.map(({ length }) => length), `${message}: lengths, or the same lengths and other bytes`).to.equal(expected.map(({ length }) => length));
}

function copiedBy(work: () => void): number {
  const { concat } = Buffer;
  const { copy } = Buffer.prototype;
  let copied = 0;
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<Buffer['copy']>) {
    const length = copy.apply(this, args);
    copied += length;
    return length;
  };
  Buffer.concat = (list, length) => {
    const joined = concat(list, length);
    copied += joined.length;
    return joined;
  };
  try {
    work();
  } finally {
    Buffer.concat = concat;
    Buffer.prototype.copy = copy;
  }
  return copied;
}

/** Every type, without a body and with one, and the versions that are in use. */
const small = [20, 21, 22, 23, 24].flatMap((type) => [record(type, 0), record(type, 1 + (type % 3)), record(type, 7, 1)]);
const smallStream = Buffer.concat(small);
const large = [record(22, MAX), record(23, 2), record(24, MAX), record(23, 2 ** 14 - 1)];
const largeStream = Buffer.concat(large);
/** Every place around a header, and every seventh in the bodies. */
const largeCuts = Array.from({ length: largeStream.length + 1 }, (_, cut) => cut).filter((cut) => cut % 7 === 0 || starts(large).some((at) => Math.abs(cut - at) < 9));

describe('RecordScanner', () => {
  it('finds every record of every type wherever the stream is cut in two places', () => {
    for (let first = 0; first <= smallStream.length; first++) {
      for (let second = first; second <= smallStream.length; second++) expectSame(scan(split(smallStream, first, second)), small, `cut at ${first} and ${second}`);
    }
  });

  it('finds records of the greatest length wherever the stream is cut', () => {
    for (const cut of largeCuts) expectSame(scan(split(largeStream, cut)), large, `cut at ${cut}`);
  });

  for (const size of [1, 2, 4, 5, 6, 1000, 16_384]) {
    it(`finds all records in chunks of ${size}`, () => {
      for (const records of [small, large]) {
        const stream = Buffer.concat(records);
        const chunks = split(stream, ...Array.from({ length: Math.floor((stream.length - 1) / size) }, (_, i) => (i + 1) * size));
        expectSame(scan(chunks), records, `in chunks of ${size}`);
      }
    });
  }

  it('gives out a record with the chunk that completes it, not later', () => {
    const scanner = new RecordScanner();
    const alert = record(21, 2);
    for (const byte of split(alert, 1, 2, 3, 4, 5, 6)) {
      expect(scanner.next()).to.equal(null);
      scanner.add(byte);
    }
    expect(scanner.next()).to.deep.equal(alert);
    expect(scanner.next()).to.equal(null);
  });

  it('copies each byte once or twice, not once a chunk, when a record comes byte by byte', () => {
    const stream = record(23, MAX);
    const copied = copiedBy(() => expectSame(scan(Array.from(stream, (_, i) => stream.subarray(i, i + 1))), [stream], 'byte by byte'));
    expect(copied).to.be.within(stream.length, stream.length + 5);
  });

  it('keeps no chunk of a record that is not all there, only its bytes, in one place', () => {
    const { allocUnsafeSlow } = Buffer;
    const rooms: number[] = [];
    Buffer.allocUnsafeSlow = (size) => {
      rooms.push(size);
      return allocUnsafeSlow(size);
    };
    try {
      const stream = record(23, MAX);
      const scanner = new RecordScanner();
      for (const byte of stream.subarray(0, -1)) {
        scanner.add(Buffer.from([byte]));
        expect(scanner.next()).to.equal(null);
      }
      expect(rooms).to.deep.equal([5, stream.length]);
    } finally {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
    }
  });

  it('copies nothing of the records that lie in one chunk', () => {
    expect(copiedBy(() => scan([smallStream, largeStream]))).to.equal(0);
  });

  it('never holds a whole record', () => {
    for (const [records, stream, cuts] of [
      [small, smallStream, smallStream.keys()],
      [large, largeStream, largeCuts],
    ] as const) {
      const at = starts(records);
      for (const cut of cuts) {
        const scanner = new RecordScanner();
        scanner.add(stream.subarray(0, cut));
        const given = drain(scanner).reduce((sum, { length }) => sum + length, 0);
        const start = at.filter((offset) => offset <= cut).at(-1)!;
        expect(given, `cut at ${cut}`).to.equal(start);
      }
    }
  });

  it('rest() is exactly what was not given out, after any number of records and at any cut', () => {
    for (let cut = 0; cut <= smallStream.length; cut++) {
      for (let taken = 0; taken <= small.length; taken++) {
        const scanner = new RecordScanner();
        let given = 0;
        for (const chunk of [smallStream.subarray(0, cut), smallStream.subarray(cut)]) {
          scanner.add(chunk);
          for (let i = 0; i < taken; i++) given += scanner.next()?.length ?? 0;
        }
        expect(scanner.rest().equals(smallStream.subarray(given)), `cut at ${cut}, at most ${taken} taken`).to.equal(true);
        expect(scanner.rest().length).to.equal(0);
      }
    }
  });

  it('begins anew after rest()', () => {
    const scanner = new RecordScanner();
    scanner.add(record(23, 9).subarray(0, 7));
    expect(scanner.next()).to.equal(null);
    scanner.rest();
    scanner.add(record(22, 3));
    expect(scanner.next()).to.deep.equal(record(22, 3));
  });
});

function starts(records: readonly Buffer[]): number[] {
  let at = 0;
  return [0, ...records.map(({ length }) => (at += length))];
}

describe('RecordScanner, full records', () => {
  const full = (body = FULL): Buffer => record(23, body);

  it('come one by one, however many are in a chunk', () => {
    const run = [full(), full(2 ** 14), full(MAX), record(23, 19), full(), record(21, MAX), full()];
    expectSame(scan([Buffer.concat(run)]), run, 'in one chunk');
    const stream = Buffer.concat(run);
    for (const cut of starts(run)) for (const at of [cut - 1, cut, cut + 1, cut + 5, cut + 6]) expectSame(scan(split(stream, at)), run, `cut at ${at}`);
  });

  for (const [what, garbage] of [
    ['plaintext', Buffer.from('220 ready')],
    ['another version', Buffer.from([23, 2, 0, 0x40, 0])],
    ['too long a record', Buffer.from([23, 3, 3, 0xff, 0xff])],
  ] as const) {
    it(`are given out all the same when ${what} follows, which stays`, () => {
      for (const count of [1, 2, 3]) {
        const records = Buffer.concat(Array.from({ length: count }, () => full()));
        const scanner = new RecordScanner();
        scanner.add(Buffer.concat([records, garbage]));
        for (let given = 0; given < count; given++) expect(scanner.next()?.equals(full()), `${given} of ${count}`).to.equal(true);
        expect(() => scanner.next()).to.throw(RecordError);
        expect(scanner.rest()).to.deep.equal(garbage);
      }
    });
  }
});

describe('RecordScanner, impossible headers', () => {
  const impossible: [what: string, header: number[]][] = [
    ...Array.from({ length: 256 }, (_, type) => type)
      .filter((type) => type < 20 || type > 24)
      .map((type): [string, number[]] => [`type ${type}`, [type, 3, 3, 0, 1]]),
    ...Array.from({ length: 256 }, (_, major) => major)
      .filter((major) => major !== 3)
      .map((major): [string, number[]] => [`version ${major}.3`, [22, major, 3, 0, 1]]),
    ['one byte too long', [23, 3, 3, (MAX + 1) >> 8, (MAX + 1) & 255]],
    ['65,535 bytes', [23, 3, 3, 255, 255]],
  ];

  it('throw a RecordError wherever they are cut, and the bytes stay', () => {
    for (const [what, header] of impossible) {
      const bytes = Buffer.from([...header, 1, 2]);
      for (let cut = 0; cut < 5; cut++) {
        const scanner = new RecordScanner();
        scanner.add(bytes.subarray(0, cut));
        expect(scanner.next(), `${what}, cut at ${cut}`).to.equal(null);
        scanner.add(bytes.subarray(cut));
        for (let again = 0; again < 2; again++) expect(() => scanner.next(), `${what}, cut at ${cut}`).to.throw(RecordError);
        expect(scanner.rest(), `${what}, cut at ${cut}`).to.deep.equal(bytes);
      }
    }
  });

  it('throw behind good records, which were given out before', () => {
    const scanner = new RecordScanner();
    scanner.add(Buffer.concat([record(22, 3), record(23, 4), Buffer.from('HTTP/1.1 200')]));
    expect(scanner.next()).to.deep.equal(record(22, 3));
    expect(scanner.next()).to.deep.equal(record(23, 4));
    expect(() => scanner.next()).to.throw(RecordError, 'type is 72');
    expect(scanner.rest().toString()).to.equal('HTTP/1.1 200');
  });

  it('keep what is added after them', () => {
    const scanner = new RecordScanner();
    scanner.add(Buffer.from('EHLO a'));
    expect(() => scanner.next()).to.throw(RecordError);
    scanner.add(Buffer.from('\r\n'));
    expect(scanner.rest().toString()).to.equal('EHLO a\r\n');
  });
});
