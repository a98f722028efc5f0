/** What `tls.connect` and `tls.Server` can do, a wrapped socket can. */
import { expect } from 'chai';
import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { unwrap, type WrapOptions } from '../../src/index.js';
import { VERSIONS, certificate, closed, turns, type Version } from '../support/pair.js';
import { connection, gone, handshakes, talkPlain, wrapAs } from '../support/wrapped.js';

async function sockets(version: Version, client: WrapOptions = {}, server: WrapOptions = {}): Promise<[client: TLSSocket, server: TLSSocket]> {
  const [a, b] = await connection();
  return [wrapAs('client', a, version, client), wrapAs('server', b, version, server)];
}

/** Both sides end TLS, and the plain connection works. */
async function expectUnwraps(client: TLSSocket, server: TLSSocket): Promise<void> {
  await turns(); // session tickets
  const [a, b] = await Promise.all([unwrap(client), unwrap(server)]);
  await talkPlain(a, b);
}

const own = (version: Version, options: tls.SecureContextOptions): tls.SecureContext => tls.createSecureContext({ ...options, minVersion: version, maxVersion: version });

for (const version of VERSIONS) {
  describe(`wrap, options, ${version}`, () => {
    it("a client's certificate that holds makes the server's socket authorized", async () => {
      const [client, server] = await sockets(
        version,
        { secureContext: own(version, certificate) },
        { isServer: true, requestCert: true, secureContext: own(version, { ...certificate, ca: certificate.cert }) },
      );
      await handshakes(client, server);
      expect(server.authorized).to.equal(true);
      expect(server.authorizationError).to.equal(null);
      expect(server.getPeerCertificate().subject).to.be.an('object');
      await expectUnwraps(client, server);
    });

    it("a client's certificate that does not hold is told of, and the connection works", async () => {
      const [client, server] = await sockets(version, { secureContext: own(version, certificate) }, { isServer: true, requestCert: true });
      let seen: unknown;
      server.once('secure', () => (seen = server.authorizationError)); // set before anybody's listener
      await handshakes(client, server);
      expect(server.authorized).to.equal(false);
      expect(seen).to.be.a('string').that.matches(/SELF_SIGNED|UNABLE_TO/);
      await expectUnwraps(client, server);
    });

    it('a client without a certificate is told of, and the connection works', async () => {
      const [client, server] = await sockets(version, {}, { isServer: true, requestCert: true });
      await handshakes(client, server);
      expect(server.authorized).to.equal(false);
      expect(server.authorizationError).to.be.a('string');
      await expectUnwraps(client, server);
    });

    for (const [what, context] of [
      ['whose certificate does not hold', certificate],
      ['without a certificate', { ca: certificate.cert }],
    ] as const) {
      it(`rejectUnauthorized destroys the socket of a client ${what}, and its transport`, async () => {
        const [a, b] = await connection();
        const client = wrapAs('client', a, version, { secureContext: own(version, context) }).on('error', () => {});
        const server = wrapAs('server', b, version, { isServer: true, requestCert: true, rejectUnauthorized: true });
        const failed = new Promise((resolve) => server.once('error', resolve));
        let data = false;
        server.on('data', () => (data = true));
        client.once('secureConnect', () => client.write('let me in'));
        client.resume();
        await Promise.all([gone(server), gone(client), gone(b)]);
        expect(await failed).to.be.instanceOf(Error);
        expect(data).to.equal(false);
      });
    }

    it('a client rejects a server whose certificate does not hold', async () => {
      const [client, server] = await sockets(version, { rejectUnauthorized: true, secureContext: own(version, {}) });
      server.on('error', () => {});
      const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).to.match(/SELF_SIGNED|UNABLE_TO/);
      await Promise.all([gone(client), gone(server)]);
    });

    it('a client takes a server whose certificate holds for its name', async () => {
      const [client, server] = await sockets(version, { rejectUnauthorized: true, servername: 'localhost' });
      await Promise.all([once(client, 'secureConnect'), handshakes(server)]);
      expect(client.authorized).to.equal(true);
      await expectUnwraps(client, server);
    });

    it('the server name reaches the server, which chooses a certificate by it', async () => {
      let asked = '';
      const SNICallback = (name: string, done: (error: Error | null, context?: tls.SecureContext) => void): void => {
        asked = name;
        done(null, own(version, certificate));
      };
      const [client, server] = await sockets(version, { servername: 'example.test' }, { isServer: true, SNICallback });
      await handshakes(client, server);
      expect(asked).to.equal('example.test');
      expect((server as unknown as { servername: string }).servername).to.equal('example.test');
      await expectUnwraps(client, server);
    });

    it('both sides know the protocol that ALPN chose', async () => {
      const [client, server] = await sockets(version, { ALPNProtocols: ['ftp', 'imap'] }, { isServer: true, ALPNProtocols: ['imap'] });
      await handshakes(client, server);
      expect([client.alpnProtocol, server.alpnProtocol]).to.deep.equal(['imap', 'imap']);
      await expectUnwraps(client, server);
    });

    it('a session is resumed on the next round, also over the same connection', async () => {
      const context = own(version, certificate); // the ticket keys
      const [a, b] = await connection();
      let session: Buffer | undefined;
      for (let round = 0; round < 2; round++) {
        const client = wrapAs('client', a, version, session === undefined ? {} : { session });
        const server = wrapAs('server', b, version, { isServer: true, secureContext: context });
        const given = once(client, 'session') as Promise<[Buffer]>;
        await handshakes(client, server);
        expect(client.isSessionReused(), `round ${round}`).to.equal(round === 1);
        if (round === 0) [session] = await given;
        await expectUnwraps(client, server);
      }
    });

    it("'keylog' tells the keys on both sides", async () => {
      const [client, server] = await sockets(version);
      const lines = [once(client, 'keylog'), once(server, 'keylog')] as Promise<[Buffer]>[];
      await handshakes(client, server);
      for (const line of lines) expect(String((await line)[0])).to.match(version === 'TLSv1.3' ? /^(CLIENT|SERVER)_/ : /^CLIENT_RANDOM/);
      await expectUnwraps(client, server);
    });

    it('an idle socket times out by its own setTimeout()', async () => {
      const [client, server] = await sockets(version);
      await handshakes(client, server);
      const idle = once(client, 'timeout');
      client.setTimeout(1);
      await idle;
      expect(client.timeout).to.equal(1);
      client.setTimeout(0);
      await expectUnwraps(client, server);
    });

    it('the addresses are those of the transport, and ref() and its like act on it', async () => {
      const [a, b] = await connection();
      const [client, server] = [wrapAs('client', a, version), wrapAs('server', b, version)];
      await handshakes(client, server);
      for (const [socket, transport] of [[client, a], [server, b]] as const) {
        for (const name of ['localAddress', 'localFamily', 'localPort', 'remoteAddress', 'remoteFamily', 'remotePort'] as const) {
          expect(socket[name], name).to.equal(transport[name]).and.not.equal(undefined);
        }
        expect(socket.address()).to.deep.equal(transport.address());
      }
      // Node's own sockets, asked what keeps the process alive.
      const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
      const before = alive();
      expect(client.unref()).to.equal(client);
      expect(alive()).to.equal(before - 1);
      expect(client.ref()).to.equal(client);
      expect(alive()).to.equal(before);
      expect(client.setNoDelay(true)).to.equal(client);
      expect(client.setKeepAlive(true, 1000)).to.equal(client);
      await expectUnwraps(client, server);
    });

    it('destroy() destroys the transport, and the peer hears of it', async () => {
      const [a, b] = await connection();
      const [client, server] = [wrapAs('client', a, version), wrapAs('server', b, version)];
      await handshakes(client, server);
      server.resume().on('error', () => {});
      const over = closed(server);
      client.destroy();
      await Promise.all([gone(a), gone(client), over, gone(b)]);
    });
  });
}
