import { expect } from 'chai';
import { once } from 'node:events';
import tls from 'node:tls';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { certificate, makePair, track, turns } from '../support/pair.js';
import { wire } from '../support/wire.js';

describe('renegotiation, TLSv1.2', () => {
  it('NOT_SENT, sent lost, when a HelloRequest holds our alert back', async () => {
    const { ours, peer, relay } = await makePair({ version: 'TLSv1.2', side: 'client' });
    watch(peer).resume();
    const handshakes = (): number => relay.records.filter(({ direction, type }) => direction === 'toServer' && type === 22).length;
    const before = handshakes();
    relay.filter('toServer', () => undefined); // our new ClientHello does not get there: the handshake stays unfinished
    peer.renegotiate({}, () => {});
    await relay.until(() => handshakes() > before);
    const result = await shutdown(ours, { bidirectional: true });
    expect(result.error).to.include({ code: 'ERR_TLS_SHUTDOWN_NOT_SENT', sslError: 'SSL_ERROR_SSL' });
    expect(getShutdown(ours).sent).to.equal('lost');
    expect(getShutdown(peer).received).not.to.equal('close_notify');
  });

  it('NOT_SENT over a Duplex that is slow to write: the records of the handshake are not our alert', async () => {
    const [a, b] = wire();
    const peer = watch(track(new tls.TLSSocket(b, { isServer: true, ...certificate, maxVersion: 'TLSv1.2' })));
    const ours = track(tls.connect({ socket: a, rejectUnauthorized: false }));
    peer.on('error', () => {}).resume();
    await once(ours, 'secureConnect');
    await turns(10);
    watch(ours);
    const { _write: write } = a;
    const types: number[] = [];
    const written = new Promise<void>((resolve) => {
      a._write = (chunk: Buffer, encoding, callback) => {
        types.push(chunk[0]!);
        resolve();
        write.call(a, chunk, encoding, () => void turns(20).then(() => callback()));
      };
    });
    peer.renegotiate({}, () => {});
    await written; // our ClientHello
    const result = await shutdown(ours, { bidirectional: true });
    expect(types).not.to.include(21);
    expect(result.error).to.include({ code: 'ERR_TLS_SHUTDOWN_NOT_SENT' });
    expect(result.state.sent).to.equal('lost');
  });
});
