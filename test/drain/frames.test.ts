import { expect } from 'chai';
import { FrameCounter, GOAWAY_NOTICE } from '../../src/drain/frames.js';
import { frame } from '../support/http2.js';

const settings = frame(4, 0, 0, Buffer.alloc(6));

function betweenAfter(...chunks: Uint8Array[]): boolean[] {
  const counter = new FrameCounter();
  return chunks.map((chunk) => {
    counter.add(chunk);
    return counter.between;
  });
}

describe('FrameCounter', () => {
  it('is not between frames before the first one, which has to be the SETTINGS', () => {
    expect(new FrameCounter().between).to.equal(false);
  });

  it('finds the end of each frame, however the bytes are cut', () => {
    const bytes = Buffer.concat([settings, frame(0, 0, 1, Buffer.alloc(3_000, 255)), frame(6, 0, 0, Buffer.alloc(8, 9)), frame(0, 1, 1)]);
    const ends = [15, 15 + 9 + 3_000, 15 + 9 + 3_000 + 17, bytes.length];
    for (const size of [1, 2, 7, 1000]) {
      const counter = new FrameCounter();
      for (let at = 0; at < bytes.length; at += size) {
        counter.add(bytes.subarray(at, at + size));
        expect(counter.between, `${size} bytes at ${at}`).to.equal(ends.includes(Math.min(at + size, bytes.length)));
      }
    }
  });

  for (const [name, type] of [['HEADERS', 1], ['PUSH_PROMISE', 5]] as const) {
    it(`is not between frames from ${name} to its last CONTINUATION`, () => {
      const block = [settings, frame(type, 1, 1, Buffer.alloc(5)), frame(9, 0, 1, Buffer.alloc(5)), frame(9, 4, 1)];
      expect(betweenAfter(...block)).to.deep.equal([true, false, false, true]);
      expect(betweenAfter(settings, frame(type, 4, 1, Buffer.alloc(5)))).to.deep.equal([true, true]);
    });
  }

  it('notes a GOAWAY', () => {
    const counter = new FrameCounter();
    counter.add(settings);
    expect(counter.goaway).to.equal(false);
    counter.add(GOAWAY_NOTICE);
    expect(counter).to.deep.include({ goaway: true });
    expect(counter.between).to.equal(true);
  });
});
