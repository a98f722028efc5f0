import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import { mock } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { OPENSSL_HIDES_CLOSE_NOTIFY, helloLength } from '../../src/connection/received-bytes.js';
import { shutdown, watch } from '../../src/index.js';
import { certificate, listen, track, turns } from '../support/pair.js';

describe('the length of the ClientHello', () => {
  afterEach(() => mock.timers.reset());

  for (const how of ['', ', also while a test fakes setImmediate']) {
    it(`is known on a watched server, where the ledger needs it${how}`, async () => {
      const server = watch(tls.createServer(certificate));
      const port = await listen(server);
      const relay = net.createServer((client) => {
        const upstream = track(net.connect(port, '127.0.0.1')).on('error', () => {});
        track(client).on('error', () => {}).pipe(upstream).pipe(client);
      });
      const relayPort = await listen(relay);
      if (how !== '') mock.timers.enable({ apis: ['setImmediate'] });
      const client = track(tls.connect({ port: relayPort, host: '127.0.0.1', rejectUnauthorized: false }));
      const [raw] = (await once(relay, 'connection')) as [net.Socket];
      const [hello] = (await once(raw, 'data')) as [Buffer];
      const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
      expect(helloLength(socket)).to.equal(OPENSSL_HIDES_CLOSE_NOTIFY ? hello.length : undefined);
      client.destroy();
    });
  }

  for (const [count, late] of [
    [800, false],
    [1200, true],
  ] as const) {
    it(`of a client that says nothing for ${count} turns is ${late ? 'not measured any more' : 'still measured'}`, async () => {
      const server = watch(tls.createServer({ ...certificate, minVersion: 'TLSv1.3', allowHalfOpen: true }));
      const port = await listen(server);
      const raw = track(net.connect(port, '127.0.0.1'));
      await once(server, 'connection');
      await turns(count);
      track(tls.connect({ socket: raw, rejectUnauthorized: false })).on('error', () => {});
      const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
      await turns();
      if (OPENSSL_HIDES_CLOSE_NOTIFY) expect(helloLength(socket)).to.satisfy(late ? Number.isNaN : (length: number) => length > 100);
      socket.resume();
      raw.destroy(); // a bare FIN
      const { error } = await shutdown(socket, { bidirectional: true });
      expect(error?.code).to.equal(OPENSSL_HIDES_CLOSE_NOTIFY && late ? 'ERR_TLS_SHUTDOWN_UNVERIFIED' : 'ERR_TLS_SHUTDOWN_TRUNCATED');
    });
  }
});
