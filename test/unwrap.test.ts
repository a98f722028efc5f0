/** TLS on a connection that goes on after it. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getShutdown, unwrap, wrap } from '../src/index.js';
import { SIDES, VERSIONS, certificate, listen, track, turns, type Version } from './support/pair.js';

interface Wrapped {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
  readonly clientTransport: net.Socket;
  readonly serverTransport: net.Socket;
}

export async function connection(): Promise<[client: net.Socket, server: net.Socket]> {
  const listener = net.createServer();
  const port = await listen(listener);
  const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
  const client = track(net.connect(port, '127.0.0.1'));
  const [server] = await accepted;
  return [client, track(server)];
}

export async function wrappedPair(version: Version, [clientTransport, serverTransport]: readonly [net.Socket, net.Socket]): Promise<Wrapped> {
  const versions = { minVersion: version, maxVersion: version } as const;
  const client = wrap(clientTransport, { rejectUnauthorized: false, ...versions });
  const server = wrap(serverTransport, { isServer: true, ...certificate, ...versions });
  await Promise.all([once(client, 'secureConnect'), once(server, 'secure')]);
  return { client, server, clientTransport, serverTransport };
}

for (const version of VERSIONS) {
  describe(`unwrap, ${version}`, () => {
    it('gives the very transport back, with nothing of TLS on it, and plaintext goes both ways', async () => {
      const { client, server, clientTransport, serverTransport } = await wrappedPair(version, await connection());
      client.write('through TLS');
      expect(String((await once(server, 'data'))[0])).to.equal('through TLS');
      const [plainClient, plainServer] = await Promise.all([unwrap(client), unwrap(server)]);
      expect(plainClient).to.equal(clientTransport);
      expect(plainServer).to.equal(serverTransport);
      expect(getShutdown(client)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
      await turns();
      for (const event of ['data', 'readable', 'error', 'close']) expect(plainClient.listenerCount(event), event).to.equal(0);
      expect(plainClient.readableFlowing).to.equal(null);
      plainClient.write('plain');
      expect(String((await once(plainServer, 'data'))[0])).to.equal('plain');
      plainServer.end('bye');
      expect(String((await once(plainClient, 'data'))[0])).to.equal('bye');
    });

    for (const side of SIDES) {
      it(`the ${side} emits 'error' when its peer sends no TLS`, async () => {
        const { client, server, clientTransport, serverTransport } = await wrappedPair(version, await connection());
        const [ours, peersTransport] = side === 'client' ? [client, serverTransport] : [server, clientTransport];
        const failed = new Promise<Error>((resolve) => ours.resume().once('error', resolve));
        (side === 'client' ? server : client).on('error', () => {});
        peersTransport.write('no TLS');
        expect(await failed).to.have.property('code').that.matches(/^ERR_SSL_/);
      });
    }
  });
}
