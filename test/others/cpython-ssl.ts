/** CPython's test_ssl.py, and the one case of test_ftplib.py that ends TLS. */
import { once } from 'node:events';
import https from 'node:https';
import type net from 'node:net';
import { PassThrough } from 'node:stream';
import { unwrap } from '../../src/index.js';
import { turns } from '../support/pair.js';
import { connection, gone, handshakes, readBytes, relayed, wrapAs } from '../support/wrapped.js';
import type { Place, Row } from './row.js';
import { BOTH, FIN_IN_HANDSHAKE, Reader, answer, closing, lostInHandshake, meet, meetForger, other, received, write } from './scene.js';

/** Whichever is read first, the plaintext or the reset. */
const EITHER = 'PROTOCOL or TRANSPORT';
const HTTP = 'HTTP/1.0 307 Temporary Redirect\r\n\r\n';

/** A transport on which the other end has spoken in plaintext and reset, before our side begins TLS. */
async function spoiled(): Promise<net.Socket> {
  const [near, far] = await connection();
  near.on('error', () => {}).pause();
  far.write(HTTP, () => far.resetAndDestroy());
  await once(far, 'close');
  await turns();
  return near;
}

async function wrapsSpoiled({ side, version }: Place): Promise<string[]> {
  const near = await spoiled();
  const socket = wrapAs(side, near, version);
  const reader = new Reader(socket);
  await Promise.all([once(socket, 'error'), reader.ended]);
  return ['an error', await reader.all(), (await answer(socket)).replace(/PROTOCOL|TRANSPORT/, EITHER)];
}

export const CPYTHON_SSL: readonly Row[] = [
  {
    test: 'SSLObjectTests.test_unwrap',
    checks: 'One side ends alone, then the other, then the first again.',
    theirs: 'SSLWantReadError; returns; returns',
    ours: '0; 1; 1',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume();
      const first = await answer(ours);
      await once(peer, 'end');
      return [first, await answer(peer), await answer(ours)];
    },
  },
  {
    test: 'SimpleBackgroundTests.test_bio_handshake',
    checks: 'An end right behind the handshake, with a peer that answers; then a write.',
    theirs: 'returns; SSLError',
    ours: '1; EPIPE',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume().once('end', () => peer.end());
      return [await answer(ours, BOTH), await write(ours)];
    },
  },
  {
    test: 'SimpleBackgroundTests.test_bio_read_write_data',
    checks: 'An end behind a question and its answer.',
    theirs: "b'foo'; returns",
    ours: "'foo'; 1",
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.once('data', () => peer.write('foo')).once('end', () => peer.end());
      const reader = new Reader(ours);
      ours.write('FOO');
      await reader.until('foo');
      return [`'${reader.text}'`, await answer(ours, BOTH)];
    },
  },
  {
    test: 'SimpleBackgroundTests.test_transport_eof',
    checks: 'The transport ends, and no alert came before.',
    theirs: 'SSLEOFError',
    ours: "''; fin; -1 TRUNCATED",
    run: async (place) => {
      const { ours, relay, toUs } = await meet(place);
      const reader = new Reader(ours);
      relay.fin(toUs);
      return [await reader.all(), received(ours), await answer(ours)];
    },
  },
  {
    test: 'SimpleBackgroundTests.test_makefile_close',
    checks: 'An end frees the descriptor, though a stream was made of the connection.',
    theirs: 'OSError EBADF',
    ours: '1; closed',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume().once('end', () => peer.end());
      ours.pipe(new PassThrough()).resume();
      return [await answer(ours, BOTH), await closing(ours)];
    },
  },
  {
    test: 'ThreadedTests.test_rude_shutdown',
    checks: 'The peer ends TCP where the handshake should begin.',
    theirs: 'OSError',
    ours: FIN_IN_HANDSHAKE,
    run: lostInHandshake,
  },
  {
    test: 'ThreadedTests.test_starttls',
    checks: 'From plaintext to TLS, and back to plaintext on the same connection.',
    theirs: 'all eight messages are answered; unwrap() gives the socket',
    ours: "'msg 1'; 'MSG 3'; unwrap gives the transport; 'msg 5'",
    run: async ({ side, version }) => {
      const [client, server] = await connection();
      const [near, far] = side === 'client' ? [client, server] : [server, client];
      far.write('msg 1');
      const before = String(await readBytes(near, 5));
      const [ours, theirs] = [wrapAs(side, near, version), wrapAs(other(side), far, version)];
      await handshakes(ours, theirs);
      await turns();
      theirs.write('MSG 3');
      const within = String(await readBytes(ours, 5));
      const back = await Promise.all([unwrap(ours), unwrap(theirs)]);
      far.write('msg 5');
      return [`'${before}'`, `'${within}'`, `unwrap gives ${back[0] === near ? 'the transport' : 'another'}`, `'${String(await readBytes(near, 5))}'`];
    },
  },
  {
    test: 'ThreadedTests.test_read_write_after_close_raises_valuerror',
    checks: 'Reading and writing behind close().',
    theirs: 'ValueError; ValueError',
    ours: 'read() gives null; EPIPE; 1 stays 1',
    why: 'A read of a stream that is over gives null in Node. It does not throw.',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume().once('end', () => peer.end());
      const value = await answer(ours, BOTH);
      ours.destroy();
      await gone(ours);
      return [`read() gives ${ours.read()}`, await write(ours), `${value} stays ${await answer(ours)}`];
    },
  },
  {
    test: 'TestPostHandshakeAuth.test_pha_required_nocert',
    checks: 'The peer wants a certificate after the handshake, gets none, and sends certificate_required.',
    theirs: 'SSLError certificate required, or EOF',
    ours: 'error; -1 PROTOCOL',
    versions: ['TLSv1.3'],
    sides: ['client'],
    run: async (place) => {
      const { ours, far, deliver } = await meetForger(place);
      ours.resume();
      deliver(far.sealAlert(2, 116));
      while (received(ours) === 'open') await turns(1);
      return [received(ours), await answer(ours)];
    },
  },
  {
    test: 'TestPreHandshakeClose.test_preauth_data_to_tls_server, test_preauth_data_to_tls_client',
    checks: 'Plaintext and a reset came before TLS was put over the connection: none of it may be taken for data.',
    theirs: "SSLError; b''",
    ours: `an error; ''; -1 ${EITHER}`,
    run: wrapsSpoiled,
  },
  {
    test: 'TestPreHandshakeClose.test_https_client_non_tls_response_ignored',
    checks: 'The same under an HTTPS client: no response comes of it.',
    theirs: 'OSError',
    ours: 'an error, no response',
    sides: ['client'],
    run: async ({ version }) => {
      const near = await spoiled();
      const request = https.get('https://localhost/', { createConnection: () => wrapAs('client', near, version) });
      return [await Promise.race([once(request, 'response').then(() => 'a response', () => 'an error, no response')])];
    },
  },
  {
    test: 'test_ftplib TestTLS_FTPClass.test_ccc',
    checks: 'TLS is taken off the control connection; taking it off again.',
    theirs: 'returns; ValueError',
    ours: 'the transport; again the transport',
    why: 'A second unwrap gives what the first one gave: 1 stays 1.',
    run: async ({ side, version }) => {
      const { ends } = await relayed();
      const [near, far] = side === 'client' ? ends : [ends[1], ends[0]];
      const [ours, theirs] = [wrapAs(side, near, version), wrapAs(other(side), far, version)];
      await handshakes(ours, theirs);
      await turns();
      const [first] = await Promise.all([unwrap(ours), unwrap(theirs)]);
      const again = await unwrap(ours).catch((error: NodeJS.ErrnoException) => error.code);
      return [first === near ? 'the transport' : '?', again === near ? 'again the transport' : String(again)];
    },
  },
];
