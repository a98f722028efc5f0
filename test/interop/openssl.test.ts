import { expect } from 'chai';
import { cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, close, ONE_STEP, QUIET, readToEnd, TRUNCATED, VERSIONS } from './support/ends.js';
import { meet } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';

const UNEXPECTED_EOF = /unexpected eof while reading/;

describe('OpenSSL s_server and s_client', () => {
  before(() => requirePrograms('openssl'));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    for (const bidirectional of [true, false]) {
      it(`${bidirectional ? '1' : '0, then 1'}: s_server reads our alert and answers it, ${version}`, async () => {
        const { peer, socket } = await meet('server', version);
        socket.resume().write('data\n');
        if (!bidirectional) expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional })).to.deep.equal(BOTH_ALERTS);
        await peer.waitFor(/^data\n(.*\n)?DONE$/m);
        expect(peer.output).to.not.match(UNEXPECTED_EOF);
      });

      it(`${bidirectional ? '1' : '0, then 1'}: s_client reads our alert and answers it, ${version}`, async () => {
        const { peer, socket } = await meet('client', version);
        socket.resume().write('data\n');
        if (!bidirectional) expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional })).to.deep.equal(BOTH_ALERTS);
        expect(await peer.exitStatus()).to.equal(0);
        expect(peer.output).to.match(/^closed$/m);
      });
    }

    it(`1: s_server -www sends its page and closes with an alert, ${version}`, async () => {
      const { socket } = await meet('server', version, ['-www']);
      socket.write('GET / HTTP/1.0\r\n\r\n');
      expect(await readToEnd(socket)).to.match(/<\/html>\s*$/i);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    });

    for (const command of ['q\n', 'Q\n']) {
      it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): s_server is told ${command.trim()}, which closes the TCP socket first, ${version}`, async () => {
        const { peer, socket } = await meet('server', version);
        peer.type(command);
        await readToEnd(socket);
        expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
      });
    }

    for (const [how, end] of [['is told Q', 'Q\n'], ['has no more input', undefined]] as const) {
      it(`1: s_client ${how} and sends its alert, ${version}`, async () => {
        const { peer, socket } = await meet('client', version);
        peer.type('data\n');
        if (end === undefined) peer.endInput();
        else socket.once('data', () => peer.type(end));
        expect(await readToEnd(socket)).to.equal('data\n');
        expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
        expect(await peer.exitStatus()).to.equal(0);
      });
    }

    it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): s_client is killed, ${version}`, async () => {
      const { peer, socket } = await meet('client', version);
      socket.write('data\n');
      await peer.waitFor(/^data$/m); // with something unread, a ticket for one, its kernel would send a reset
      await peer.kill();
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
    });

    it(`1, quietly: s_client calls it a truncation, ${version}`, async () => {
      const { peer, socket } = await meet('client', version);
      expect((await close(socket, { quiet: true })).slice(0, 2)).to.deep.equal(QUIET);
      expect(await peer.exitStatus()).to.equal(1);
      expect(peer.output).to.match(UNEXPECTED_EOF);
    });

    it(`1, quietly: s_server calls it a truncation, ${version}`, async () => {
      const { peer, socket } = await meet('server', version);
      expect((await close(socket, { quiet: true })).slice(0, 2)).to.deep.equal(QUIET);
      await peer.waitFor(UNEXPECTED_EOF);
    });
  }
});
