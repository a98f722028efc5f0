/** A `Duplex` that gives out its next bytes, and then its end, within the callback of the bytes before: what waits to be fed comes before the end. */
import { expect } from 'chai';
import { once } from 'node:events';
import tls, { TLSSocket } from 'node:tls';
import { shutdown, watch } from '../../src/index.js';
import { Forger } from '../support/forger.js';
import { SIDES, VERSIONS, certificate, track, turns } from '../support/pair.js';
import { wire } from '../support/wire.js';

for (const version of VERSIONS) {
  for (const side of SIDES) {
    for (const alert of [true, false]) {
      it(`loses no data before the end of a Duplex that ends within a callback, ${alert ? 'with' : 'without'} close_notify, ${version} as ${side}`, async () => {
        const [mine, line] = wire();
        const versions = { minVersion: version, maxVersion: version } as const;
        const secureContext = tls.createSecureContext({ ...certificate, ...versions });
        const ours = track(side === 'client' ? tls.connect({ socket: mine, rejectUnauthorized: false, ...versions }) : new TLSSocket(mine as never, { isServer: true, secureContext }));
        watch(ours).on('error', () => {});
        const forger = track(new Forger(line, version, side === 'client' ? 'server' : 'client'));
        await Promise.all([forger.handshake, once(ours, 'secure')]);
        await turns(6);
        const [first, ...rest] = [forger.sealData('one '), forger.sealData('two '), forger.sealData('three'), ...(alert ? [forger.sealAlert(1, 0)] : [])];
        let text = '';
        ours.on('data', (chunk: Buffer) => {
          text += chunk;
          if (text !== 'one ') return;
          for (const piece of rest) mine.emit('data', piece);
          mine.emit('end');
        });
        const answer = shutdown(ours, { bidirectional: true });
        await forger.untilOurAlert();
        mine.arrive(first!);
        const { value, state } = await answer;
        expect([text, value, state.received]).to.deep.equal(['one two three', alert ? 1 : -1, alert ? 'close_notify' : 'fin']);
      });
    }
  }
}
