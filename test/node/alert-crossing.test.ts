/** The peer's alert is delivered while ours is being written: a `Duplex` may push what has come from within its own `_write`. */
import { expect } from 'chai';
import { once } from 'node:events';
import tls, { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { Forger } from '../support/forger.js';
import { SIDES, VERSIONS, certificate, track, turns } from '../support/pair.js';
import { WireEnd } from '../support/wire.js';

class EagerEnd extends WireEnd {
  pieces: Buffer[] = [];
  fin = false;

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    for (const piece of this.pieces.splice(0)) this.arrive(piece);
    if (this.fin) this.finish();
    super._write(chunk, encoding, callback);
  }
}

const ALERTS: Record<string, [level: number, description: number] | undefined> = {
  'a fatal alert without a name': [2, 117],
  'another one': [2, 0xfe],
  'a fatal alert': [2, 80],
  close_notify: [1, 0],
  'no alert': undefined,
};

for (const version of VERSIONS) {
  for (const side of SIDES) {
    describe(`an alert that crosses ours, ${version} as ${side}`, () => {
      for (const [name, alert] of Object.entries(ALERTS)) {
        for (const behind of ['nothing', 'a byte', 'data', 'a FIN', 'close_notify'] as const) {
          for (const watched of [true, false]) {
            it(`${name}, then ${behind}, within the write of ours, ${watched ? 'watched' : 'not watched'}`, async () => {
              const [mine, line] = [new EagerEnd(), new WireEnd()];
              mine.other = line;
              line.other = mine;
              const versions = { minVersion: version, maxVersion: version } as const;
              const secureContext = tls.createSecureContext({ ...certificate, ...versions });
              const ours = track(side === 'client' ? tls.connect({ socket: mine, rejectUnauthorized: false, ...versions }) : new TLSSocket(mine as never, { isServer: true, secureContext }));
              if (watched) watch(ours);
              ours.on('error', () => {}).resume();
              const forger = track(new Forger(line, version, side === 'client' ? 'server' : 'client'));
              await Promise.all([forger.handshake, once(ours, 'secure')]);
              await turns(6);
              if (alert !== undefined) mine.pieces.push(forger.sealAlert(...alert));
              if (behind === 'a byte') mine.pieces.push(Buffer.from([0x17]));
              if (behind === 'data') mine.pieces.push(forger.sealData('more'));
              if (behind === 'close_notify') mine.pieces.push(forger.sealAlert(1, 0));
              mine.fin = behind === 'a FIN';
              const value = await gracefulShutdown(ours, { bidirectional: true, timeout: 50 });
              const isReal = name === 'close_notify' || (name === 'no alert' && behind === 'close_notify');
              if (!isReal) {
                expect(value).to.equal(-1);
                expect(getShutdown(ours).received).not.to.equal('close_notify');
                forger.line.write(Buffer.from([0x17]));
                await turns(4);
                expect(getShutdown(ours).received).not.to.equal('close_notify');
                expect(await gracefulShutdown(ours, { bidirectional: true, timeout: 20 })).to.equal(-1);
              } else {
                expect(getShutdown(ours).received).to.be.oneOf(['close_notify', 'unverified']);
              }
            });
          }
        }
      }
    });
  }
}
