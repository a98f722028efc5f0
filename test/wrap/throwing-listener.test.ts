/** A listener that throws keeps nothing back of what came in the same piece. */
import { expect } from 'chai';
import { unwrap } from '../../src/index.js';
import { uncaught } from '../support/uncaught.js';
import { describeCases, wrappedPair } from '../support/wrapped.js';

describeCases('a wrapped socket', (of) => {
  it("is given data and alert of one piece, though a 'data' listener throws", async () => {
    const { ours, peer, transport, relay, toUs } = await wrappedPair(of);
    let held = Buffer.alloc(0);
    relay.filter(toUs, (chunk) => void (held = Buffer.concat([held, chunk])));
    peer.write('first');
    peer.end('second');
    const records = (at = 0): number => (held.length < at + 5 ? 0 : 1 + records(at + 5 + held.readUInt16BE(at + 3)));
    await relay.until(() => records() >= 3);
    relay.filter(toUs, undefined);
    const seen: string[] = [];
    const heard = uncaught(1);
    ours.on('data', (chunk: Buffer) => {
      seen.push(String(chunk));
      if (seen.length === 1) throw new Error('own');
    });
    relay.inject(toUs, held);
    expect(String(await heard)).to.equal('Error: own');
    expect(await unwrap(ours, { timeout: 1000 })).to.equal(transport);
    expect(seen).to.deep.equal(['first', 'second']);
  });
});
