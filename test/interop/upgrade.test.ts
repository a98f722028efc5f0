import { expect } from 'chai';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { unwrap, wrap } from '../../src/index.js';
import { answer } from '../../examples/support/lines.js';
import { Child } from './support/child.js';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { CERT_FILE, fromRoot, KEY_FILE, VERSIONS, type Version } from './support/ends.js';
import { requirePrograms } from './support/programs.js';

/** A plain server for one client, which is served by `serve`. */
async function listen(serve: (socket: net.Socket) => Promise<void>): Promise<{ port: number; served: Promise<void> }> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => void server.close());
  const served = once(server, 'connection').then(([socket]: net.Socket[]) => {
    afterThisTest(() => socket!.destroy());
    return serve(socket!);
  });
  served.catch(() => {}); // whoever awaits it hears of it
  return { port: (server.address() as AddressInfo).port, served };
}

function secured(socket: net.Socket, version: Version): TLSSocket {
  return wrap(socket, { isServer: true, key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: version, maxVersion: version });
}

async function smtp(socket: net.Socket): Promise<void> {
  socket.write('220 localhost ESMTP\r\n');
  await answer(socket, /^EHLO /i, '250-localhost\r\n250 STARTTLS');
  await answer(socket, /^STARTTLS$/, '220 go ahead');
}

async function ftp(stream: Duplex, dialogue: readonly (readonly [command: string, reply: string])[]): Promise<void> {
  for (const [command, reply] of dialogue) await answer(stream, command, reply);
}

describe('wrap and unwrap: clients of protocols that begin in plaintext', () => {
  before(() => requirePrograms('openssl', 'python3'));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    it(`Python's smtplib has TLS after STARTTLS, ${version}`, async () => {
      const { port, served } = await listen(async (socket) => {
        await smtp(socket);
        const secure = secured(socket, version);
        await answer(secure, /^ehlo /i, '250-localhost\r\n250 AUTH PLAIN');
        await answer(secure, /^quit$/i, '221 bye');
      });
      const peer = new Child('python3', [fromRoot('test/interop/peers/upgrade.py'), 'smtp', String(port)]);
      await served;
      await peer.waitFor(new RegExp(`^through ${version} .*auth`, 'm'));
      expect(await peer.exitStatus(), peer.output).to.equal(0);
    });

    it(`OpenSSL's s_client -starttls smtp has TLS after STARTTLS, ${version}`, async () => {
      const { port, served } = await listen(async (socket) => {
        await smtp(socket);
        const secure = secured(socket, version);
        await answer(secure, 'data', 'data comes back');
      });
      const peer = new Child('openssl', ['s_client', '-starttls', 'smtp', '-crlf', '-connect', `127.0.0.1:${port}`]);
      await peer.waitFor(/^---\n.*Verify return code.*?^---\n/ms);
      peer.type('data\n');
      await served;
      await peer.waitFor(/^data comes back/m);
    });

    it(`Python's ftplib has plaintext again after CCC, ${version}`, async () => {
      const { port, served } = await listen(async (socket) => {
        socket.write('220 ready\r\n');
        await ftp(socket, [['AUTH TLS', '234 go ahead']]);
        const secure = secured(socket, version);
        await ftp(secure, [
          ['USER me', '331 password?'],
          ['PASS secret', '230 welcome'],
          ['CCC', '200 in plaintext'],
        ]);
        const plain = await unwrap(secure);
        expect(plain).to.equal(socket);
        await ftp(plain, [
          ['NOOP', '200 nothing done'],
          ['QUIT', '221 bye'],
        ]);
      });
      const peer = new Child('python3', [fromRoot('test/interop/peers/upgrade.py'), 'ftp', String(port)]);
      await served;
      await peer.waitFor(/^ccc 200 in plaintext\r?\nplain 200 nothing done\r?\nquit 221 bye\r?\n/m);
      expect(await peer.exitStatus(), peer.output).to.equal(0);
    });
  }
});
