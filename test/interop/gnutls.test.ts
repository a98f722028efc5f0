import { expect } from 'chai';
import { once } from 'node:events';
import { Child } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, CERT_FILE, close, connect, freePort, KEY_FILE, listen, ONE_STEP, QUIET, readToEnd, TRUNCATED, VERSIONS } from './support/ends.js';
import { requirePrograms } from './support/programs.js';

async function startServer(mode: '--echo' | '--http'): Promise<{ peer: Child; port: number }> {
  const port = await freePort();
  const peer = new Child('gnutls-serv', [mode, '--x509keyfile', KEY_FILE, '--x509certfile', CERT_FILE, '--port', String(port)]);
  await peer.waitFor(/listening on IPv4 .*done/);
  return { peer, port };
}

function startClient(port: number): Child {
  return new Child('gnutls-cli', ['--insecure', '--port', String(port), '127.0.0.1']);
}

const ABNORMAL = /The TLS connection was non-properly terminated/;

describe('GnuTLS gnutls-serv and gnutls-cli', () => {
  before(() => requirePrograms('gnutls-serv', 'gnutls-cli'));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    for (const bidirectional of [true, false]) {
      it(`${bidirectional ? '1' : '0, then 1'}: gnutls-serv reads our alert and answers it, ${version}`, async () => {
        const { peer, port } = await startServer('--echo');
        const socket = await connect(port, version);
        socket.write('data\n');
        expect(String((await once(socket, 'data'))[0])).to.equal('data\n');
        socket.resume();
        if (!bidirectional) expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional })).to.deep.equal(BOTH_ALERTS);
        expect(peer.output).to.not.match(ABNORMAL);
      });

      it(`${bidirectional ? '' : '0, then '}-1 (ERR_TLS_SHUTDOWN_TRUNCATED): gnutls-cli reads our alert and answers with a bare FIN, ${version}`, async () => {
        const { port, accept } = await listen(version);
        const peer = startClient(port);
        const socket = (await accept()).resume();
        await peer.waitFor(/Simple Client Mode/);
        socket.write('data\n');
        if (!bidirectional) expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional })).to.deep.equal(TRUNCATED);
        expect(await peer.exitStatus()).to.equal(0);
        expect(peer.output).to.match(/^data$/m).and.to.match(/Peer has closed the GnuTLS connection/);
      });
    }

    it(`1: gnutls-serv sends its page and closes with an alert, ${version}`, async () => {
      const { port } = await startServer('--http');
      const socket = await connect(port, version);
      socket.write('GET / HTTP/1.0\r\n\r\n');
      expect(await readToEnd(socket)).to.match(/<\/html>\s*$/i);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    });

    it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): gnutls-serv is killed, ${version}`, async () => {
      const { peer, port } = await startServer('--echo');
      const socket = await connect(port, version);
      socket.write('data\n');
      expect(String((await once(socket, 'data'))[0])).to.equal('data\n');
      await peer.kill();
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
    });

    it(`1: gnutls-cli has no more input and closes with an alert, ${version}`, async () => {
      const { port, accept } = await listen(version);
      const peer = startClient(port);
      const socket = await accept();
      await peer.waitFor(/Simple Client Mode/);
      peer.type('data\n');
      peer.endInput();
      expect(await readToEnd(socket)).to.equal('data\n');
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
      expect(await peer.exitStatus()).to.equal(0);
    });

    it(`1, quietly: gnutls-cli calls it a truncation, ${version}`, async () => {
      const { port, accept } = await listen(version);
      const peer = startClient(port);
      const socket = await accept();
      await peer.waitFor(/Simple Client Mode/);
      expect((await close(socket, { quiet: true })).slice(0, 2)).to.deep.equal(QUIET);
      expect(await peer.exitStatus()).to.equal(1);
      expect(peer.output).to.match(ABNORMAL);
    });

    it(`1, quietly: gnutls-serv calls it a truncation, ${version}`, async () => {
      const { peer, port } = await startServer('--echo');
      const socket = await connect(port, version);
      expect((await close(socket, { quiet: true })).slice(0, 2)).to.deep.equal(QUIET);
      await peer.waitFor(ABNORMAL);
    });
  }
});
