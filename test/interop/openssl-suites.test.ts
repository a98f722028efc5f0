/** OpenSSL's own programs with records of other lengths, other keys, and what Node has no option for: max_fragment_length (RFC 6066) and post-handshake authentication. */
import { expect } from 'chai';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import { listen as listenAt, track } from '../support/pair.js';
import { Relay } from '../support/relay.js';
import type { Child } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, close, connect, listen, ONE_STEP, readToEnd, TRUNCATED, VERSIONS, type Version } from './support/ends.js';
import { meet, startClient, startServer } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';

interface Case {
  readonly version: Version;
  /** Of both programs. */
  readonly args: readonly string[];
  readonly ours: { readonly ciphers: string; readonly isPsk?: boolean };
  /** What they print of it. */
  readonly prints: RegExp;
}

const PSK = Buffer.alloc(32, 'secret');
const psk = { pskCallback: (): unknown => ({ psk: PSK, identity: 'Client_identity' }), checkServerIdentity: () => undefined } as unknown as ConnectionOptions;
const pskServer = { pskCallback: (): Buffer => PSK, pskIdentityHint: 'hint' } as unknown as TlsOptions;
const PSK_ARGS = ['-psk', PSK.toString('hex')];

function suite(version: Version, name: string, args: readonly string[] = []): Case {
  const flag = version === 'TLSv1.3' ? ['-ciphersuites', name, '-cipher', 'ALL:@SECLEVEL=0'] : ['-cipher', `${name}:@SECLEVEL=0`];
  const ciphers = version === 'TLSv1.3' ? `${name}:ALL:@SECLEVEL=0` : `${name}:@SECLEVEL=0`;
  return { version, args: [...flag, ...args], ours: { ciphers }, prints: new RegExp(`(Cipher is |CIPHER is )${name}\\s`) };
}

const CASES: Readonly<Record<string, Case>> = {
  TLS_AES_128_CCM_8_SHA256: suite('TLSv1.3', 'TLS_AES_128_CCM_8_SHA256'),
  TLS_CHACHA20_POLY1305_SHA256: suite('TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'),
  'AES128-CCM8': suite('TLSv1.2', 'AES128-CCM8'),
  'ECDHE-RSA-AES256-SHA384': suite('TLSv1.2', 'ECDHE-RSA-AES256-SHA384'),
  'ECDHE-RSA-AES128-SHA without encrypt-then-mac': suite('TLSv1.2', 'ECDHE-RSA-AES128-SHA', ['-no_etm']),
  'an external pre-shared key, TLSv1.2': { ...suite('TLSv1.2', 'PSK-AES128-CBC-SHA256', PSK_ARGS), ours: { ciphers: 'PSK-AES128-CBC-SHA256', isPsk: true } },
  'an external pre-shared key, TLSv1.3': { ...suite('TLSv1.3', 'TLS_AES_128_GCM_SHA256', PSK_ARGS), ours: { ciphers: 'TLS_AES_128_GCM_SHA256', isPsk: true }, prints: /Reused, TLSv1\.3/ },
};

/** Ours, and the peer, who has printed what it has negotiated. */
async function met(role: 'server' | 'client', { version, args, ours, prints }: Case): Promise<{ peer: Child; socket: TLSSocket }> {
  const { ciphers, isPsk } = ours;
  if (role === 'server') {
    const { peer, port } = await startServer(...args);
    const socket = await connect(port, version, { ciphers, ...(isPsk && psk) });
    if (version !== 'TLSv1.3' || !isPsk) await peer.waitFor(prints);
    else expect(socket.isSessionReused()).to.equal(true);
    await peer.waitFor(/Secure Renegotiation IS/); // the last line before it reads what is typed
    return { peer, socket };
  }
  const { port, accept } = await listen(version, { ciphers, ...(isPsk && pskServer) });
  const peer = startClient(port, ...args);
  const socket = await accept();
  await peer.waitFor(prints);
  await peer.waitFor(/Verify return code.*?^---\n/ms);
  return { peer, socket };
}

describe('OpenSSL: other suites and keys', () => {
  before(() => requirePrograms('openssl'));
  afterEach(cleanUp);

  for (const [name, one] of Object.entries(CASES)) {
    for (const role of ['server', 'client'] as const) {
      it(`0, then 1, and no byte is lost: ${name}, the peer is the ${role}`, async () => {
        const { peer, socket } = await met(role, one);
        const text = `${'data '.repeat(4000)}end`;
        socket.resume().write(`${text}\n`);
        expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
        await peer.waitFor(role === 'server' ? /^DONE$/m : /^closed$/m);
        expect(peer.output).to.include(text);
      });

      it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): ${name}, the ${role} is killed`, async () => {
        const { peer, socket } = await met(role, one);
        socket.write('data\n');
        await peer.waitFor(/^data$/m); // with something unread, a ticket for one, its kernel would send a reset
        await peer.kill();
        await readToEnd(socket);
        expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
      });
    }
  }
});

describe('OpenSSL: max_fragment_length', () => {
  before(() => requirePrograms('openssl'));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    for (const length of [512, 4096]) {
      it(`1, and no byte is lost: s_client takes no record of more than ${length} bytes, ${version}`, async () => {
        const relays: Relay[] = [];
        const via = async (port: number): Promise<number> => listenAt(relays[relays.push(track(new Relay(port))) - 1]!.server);
        const { peer, socket } = await meet('client', version, ['-maxfraglen', String(length)], via);
        const text = `${'data '.repeat(4000)}end`;
        socket.write(`${text}\n`);
        peer.type('their data\n');
        expect(String(await new Promise((resolve) => socket.once('data', resolve)))).to.equal('their data\n');
        expect(await close(socket.resume(), { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
        expect(await peer.exitStatus()).to.equal(0);
        expect(peer.output).to.include(text);
        const data = relays[0]!.records.filter(({ direction, type }) => direction === 'toClient' && type === 23).map(({ bytes }) => bytes.length);
        expect(data.length).to.be.greaterThan(text.length / length);
        expect(Math.max(...data)).to.be.within(length, length + 64); // header, tag, and what they protect
      });

      it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): s_client takes no more than ${length} bytes, and is killed, ${version}`, async () => {
        const { peer, socket } = await meet('client', version, ['-maxfraglen', String(length)]);
        socket.write('data\n');
        await peer.waitFor(/^data$/m);
        await peer.kill();
        await readToEnd(socket);
        expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
      });
    }
  }
});

describe('OpenSSL: post-handshake authentication, TLSv1.3', () => {
  before(() => requirePrograms('openssl'));
  afterEach(cleanUp);

  it('1: s_client offers it, and our server never asks', async () => {
    const { peer, socket } = await meet('client', 'TLSv1.3', ['-enable_pha']);
    socket.resume().write('data\n');
    expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    expect(await peer.exitStatus()).to.equal(0);
  });

  it('1: s_server is told to ask our client, which has not offered it, and does not ask', async () => {
    const { peer, socket } = await meet('server', 'TLSv1.3', ['-verify', '1']);
    peer.type('c\n');
    await peer.waitFor(/extension not received/);
    socket.resume().write('data\n');
    expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    await peer.waitFor(/^DONE$/m);
  });
});
