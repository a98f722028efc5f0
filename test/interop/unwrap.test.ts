import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type ShutdownErrorCode, TlsShutdownError } from '../../src/index.js';
import { Child } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { fromRoot, hidesAfterUserCanceled, VERSIONS, type Version } from './support/ends.js';
import { requirePrograms } from './support/programs.js';
import { Relay } from './support/relay.js';
import type { Role, StartPeer } from './support/scripted.js';
import { goOnInPlaintext, meetWrapped, PLAIN, type Wrapped } from './support/unwrapping.js';

const BAD_ENDS = [
  ['fin', 'sends a bare FIN', 'ERR_TLS_SHUTDOWN_TRUNCATED'],
  ['reset', 'resets the connection', 'ERR_TLS_SHUTDOWN_TRANSPORT'],
  ['garbage', 'goes on in plaintext without an alert', 'ERR_TLS_SHUTDOWN_PROTOCOL'],
  ['forged', 'sends an alert that is not encrypted', 'ERR_TLS_SHUTDOWN_PROTOCOL'],
] as const satisfies readonly (readonly [what: string, inWords: string, code: ShutdownErrorCode])[];

const options = { timeout: 15_000 };

function itUnwraps(start: StartPeer, role: Role, version: Version): void {
  it('we close first, the peer answers, and plaintext goes both ways', async () => {
    const { peer, next } = await meetWrapped(start, role, version, 'second-plain');
    const { socket, transport } = await next();
    socket.write('last words');
    const plain = await unwrap(socket, options);
    await peer.waitFor(/^saw last words, close_notify$/m);
    await goOnInPlaintext(peer, plain, transport);
    expect(await peer.exitStatus()).to.equal(0);
  });

  it('the peer closes first, we answer, and plaintext goes both ways', async () => {
    const { peer, next } = await meetWrapped(start, role, version, 'first-plain');
    const { socket, transport } = await next();
    await peer.waitFor(/^ready/m);
    peer.type('\n');
    await once(socket.resume(), 'end');
    await goOnInPlaintext(peer, await unwrap(socket, options), transport);
    expect(await peer.exitStatus()).to.equal(0);
  });

  it('both close at once, and plaintext goes both ways', async () => {
    const relay = new Relay(role);
    const { peer, next } = await meetWrapped(start, role, version, 'first-plain', (port) => relay.listen(port));
    const { socket, transport } = await next();
    await peer.waitFor(/^ready/m);
    const ourAlert = relay.hold(0);
    const itsAlert = relay.peerSends();
    peer.type('\n');
    await itsAlert;
    const unwrapped = unwrap(socket, options);
    await ourAlert;
    relay.release();
    await goOnInPlaintext(peer, await unwrapped, transport);
    expect(await peer.exitStatus()).to.equal(0);
  });

}

function itRefuses(start: StartPeer, role: Role, version: Version): void {
  for (const [what, inWords, code] of BAD_ENDS) {
    it(`${code}: the peer ${inWords} before we close`, async () => {
      const { peer, next } = await meetWrapped(start, role, version, `first-${what}`);
      const { socket, transport } = await next();
      socket.on('error', () => {});
      await peer.waitFor(/^ready/m);
      peer.type('\n');
      await new Promise<void>((resolve) => socket.resume().once('end', resolve).once('close', () => resolve()).once('error', () => resolve()));
      await expectRefused({ socket, transport }, code);
      expect(await peer.exitStatus()).to.equal(0);
    });

    it(`${code}: the peer ${inWords} at our alert`, async () => {
      const { peer, next } = await meetWrapped(start, role, version, `second-${what}`);
      await expectRefused(await next(), code);
      expect(await peer.exitStatus()).to.equal(0);
    });
  }
}

async function expectRefused({ socket, transport }: Wrapped, code: ShutdownErrorCode, timeout = 15_000): Promise<void> {
  const reason: unknown = await unwrap(socket, { timeout }).catch((error: unknown) => error);
  expect(reason).to.be.instanceOf(TlsShutdownError).with.property('code', code);
  expect(transport.destroyed, 'the transport is destroyed').to.equal(true);
  expect(socket.destroyed, 'the TLS socket is destroyed').to.equal(true);
}

/** Time for what is on its way in this process, and then as much as it takes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function itFindsTheFirstByte(start: StartPeer, role: Role, version: Version): void {
  for (const when of ['first', 'second'] as const) {
    it(`${when === 'first' ? 'the peer closes first' : 'we close first'}: its alert and the first plaintext are one segment, whole or cut anywhere`, async () => {
      const { peer, next } = await meetWrapped(start, role, version, `${when}-segment`);
      let length = 1;
      for (let cut = 0; cut < length; cut++) {
        const { socket, transport } = await next();
        const before = transport.bytesRead;
        const unwrapped = when === 'second' ? unwrap(socket, options) : once(socket.resume(), 'end').then(() => unwrap(socket, options));
        length = Number((await peer.waitFor(/^segment (\d+)\r?\n/m))[1]);
        if (when === 'first') peer.type('\n');
        if (cut > 0) {
          await until(() => transport.bytesRead === before + cut);
          peer.type('\n');
        }
        await goOnInPlaintext(peer, await unwrapped, transport);
      }
      expect(length).to.be.greaterThan(40);
      expect(await peer.exitStatus()).to.equal(0);
    });
  }
}

function eachWay(name: string, define: (role: Role, version: Version) => void): void {
  for (const version of VERSIONS) {
    for (const role of ['server', 'client'] as const) {
      describe(`${name} as the ${role}, ${version}`, () => {
        afterEach(cleanUp);
        define(role, version);
      });
    }
  }
}

describe('unwrap: OpenSSL, SSL_shutdown() and then the same file descriptor', () => {
  let folder = '';

  before(() => {
    requirePrograms('gcc');
    folder = mkdtempSync(join(tmpdir(), 'interop-unwrap-'));
    execFileSync('gcc', ['-o', join(folder, 'peer'), fromRoot('test/interop/peers/unwrap.c'), '-lssl', '-lcrypto']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  eachWay('OpenSSL', (role, version) => {
    const start: StartPeer = (args) => new Child(join(folder, 'peer'), args);
    itUnwraps(start, role, version);
    itRefuses(start, role, version);
  });
});

describe("unwrap: Python's SSLSocket.unwrap()", () => {
  const script = fromRoot('test/interop/peers/unwrap.py');
  const start: StartPeer = (args) => new Child('python3', [script, ...args]);

  before(() => requirePrograms('python3'));

  eachWay('Python', (role, version) => {
    itUnwraps(start, role, version);
    itRefuses(start, role, version);
    itFindsTheFirstByte(start, role, version);
  });
});

describe('unwrap: a Java SSLSocket, layered over the socket that goes on', () => {
  let folder = '';

  before(() => {
    requirePrograms('java', 'javac');
    folder = mkdtempSync(join(tmpdir(), 'interop-unwrap-'));
    execFileSync('javac', ['-d', folder, fromRoot('test/interop/peers/Peer.java'), fromRoot('test/interop/peers/UnwrapPeer.java')]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  eachWay('Java', (role, version) => {
    const start: StartPeer = (args) => new Child('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', folder, 'UnwrapPeer', ...args]);
    itUnwraps(start, role, version);

    const hidden = hidesAfterUserCanceled(version);
    it(`the peer calls close() first: ${hidden ? 'ERR_TLS_SHUTDOWN_TIMEOUT' : 'the transport is given back'}`, async () => {
      const { peer, next } = await meetWrapped(start, role, version, 'first-close');
      const wrapped = await next();
      await peer.waitFor(/^ready/m);
      peer.type('\n');
      if (hidden) return expectRefused(wrapped, 'ERR_TLS_SHUTDOWN_TIMEOUT', 500);
      const plain = await unwrap(wrapped.socket, options);
      expect(String((await once(plain, 'data'))[0])).to.equal(PLAIN);
    });
  });
});
