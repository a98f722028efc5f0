import { expect } from 'chai';
import { freeSoon } from '../src/freeing.js';
import { turns } from './support/pair.js';

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
});
