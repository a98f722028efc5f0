import { expect } from 'chai';
import { freeSoon } from '../src/freeing.js';
import { turns } from './support/pair.js';
import { uncaught } from './support/uncaught.js';

describe('freeing of sockets', () => {
  it('waits for the end of the turn, or for 16, and keeps the order', async () => {
    const freed: number[] = [];
    const expected = Array.from({ length: 20 }, (_, i) => i);
    for (const i of expected.slice(0, 15)) freeSoon(() => freed.push(i));
    expect(freed).to.deep.equal([]);
    freeSoon(() => freed.push(15));
    expect(freed).to.deep.equal(expected.slice(0, 16));
    for (const i of expected.slice(16)) freeSoon(() => freed.push(i));
    expect(freed).to.have.length(16);
    await turns();
    expect(freed).to.deep.equal(expected);
  });

  it('takes up what is to be freed meanwhile', async () => {
    const freed: string[] = [];
    freeSoon(() => {
      freed.push('first');
      freeSoon(() => freed.push('of it'));
    });
    await turns();
    expect(freed).to.deep.equal(['first', 'of it']);
  });

  it('goes on after one that throws, which is an uncaught exception', async () => {
    const freed: number[] = [];
    const thrown = new Error('of a listener');
    const caught = uncaught(1);
    for (let i = 0; i < 4; i++) {
      freeSoon(() => {
        freed.push(i);
        if (i === 1) throw thrown;
      });
    }
    expect(await caught).to.deep.equal([thrown]);
    await turns();
    expect(freed).to.deep.equal([0, 1, 2, 3]);
  });
});
