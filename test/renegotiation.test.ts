import { expect } from 'chai';
import { getShutdown, shutdown, watch } from '../src/index.js';
import { makePair } from './support/pair.js';

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
});
