/** CPython's test_asyncio: test_sslproto.py, and what test_ssl.py has of it too. */
import { turns } from '../support/pair.js';
import type { Row } from './row.js';
import { FIN_IN_HANDSHAKE, Reader, answer, lostInHandshake, meet, received, shaking, write } from './scene.js';

export const CPYTHON_SSLPROTO: readonly Row[] = [
  {
    test: 'test_sslproto test_eof_received_waiter; test_ssl test_ssl_handshake_connection_lost',
    checks: 'The transport ends in the handshake.',
    theirs: 'ConnectionResetError',
    ours: FIN_IN_HANDSHAKE,
    run: lostInHandshake,
  },
  {
    test: 'test_sslproto test_connection_lost',
    checks: 'The transport is reset in the handshake.',
    theirs: 'the error of the transport',
    ours: 'ECONNRESET; -1 TRANSPORT',
    run: (place) => lostInHandshake(place, (far) => far.resetAndDestroy()),
  },
  {
    test: 'test_sslproto test_close_during_handshake',
    checks: 'A close in the handshake.',
    theirs: 'the transport is aborted',
    ours: '-1 IN_HANDSHAKE, still open; after destroy() closed, -1 CLOSED',
    why: 'As SSL_shutdown: nothing is sent, and the call can be made again. To give up is destroy().',
    run: async (place) => {
      const { ours, closed } = await shaking(place);
      const first = `${await answer(ours)}, ${ours.destroyed ? 'destroyed' : 'still open'}`;
      ours.destroy();
      await closed;
      return [first, `after destroy() closed, ${await answer(ours)}`];
    },
  },
  {
    test: 'test_sslproto test_handshake_timeout, test_start_tls_slow_client_cancel, test_create_connection_ssl_slow_handshake; test_ssl test_ssl_handshake_timeout',
    checks: 'Who gives a silent handshake up closes the connection under it.',
    theirs: 'TimeoutError or ConnectionAbortedError; the peer reads the end',
    ours: '-1 IN_HANDSHAKE; the peer reads the end',
    run: async (place) => {
      const { ours, far } = await shaking(place);
      const first = await answer(ours);
      const ended = new Promise((resolve) => void far.once('end', resolve).once('close', resolve));
      ours.destroy();
      await ended;
      return [first, 'the peer reads the end'];
    },
  },
  {
    test: 'test_sslproto test_data_received_after_closing',
    checks: 'Data that comes behind our end.',
    theirs: 'dropped, no error',
    ours: "0; 1; 'data'",
    why: 'What the peer sent before its own end is kept for a reader.',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume();
      const first = await answer(ours);
      peer.end('data');
      return [first, await answer(ours), `'${ours.read()}'`];
    },
  },
  {
    test: 'test_sslproto test_write_after_closing',
    checks: 'A write behind our end.',
    theirs: 'dropped, no error',
    ours: '0; ERR_STREAM_WRITE_AFTER_END',
    why: 'Node tells that the bytes are not sent, and destroys the socket.',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume();
      return [await answer(ours), await write(ours)];
    },
  },
  {
    test: 'test_start_tls_client_reg_proto_1, test_create_connection_memory_leak, test_start_tls_client_buf_proto_1 (of both files)',
    checks: 'The peer answers, reads all, and ends TCP without an alert.',
    theirs: 'all data; eof_received(), as behind an alert',
    ours: "'O'; fin; -1 TRUNCATED",
    why: 'A cut is not told from an end in asyncio.',
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      const [reader, theirs] = [new Reader(ours), new Reader(peer)];
      peer.write('O');
      ours.write('1'.repeat(100));
      await Promise.all([reader.until('O'), theirs.until('1'.repeat(100))]);
      relay.fin(toUs);
      return [await reader.all(), received(ours), await answer(ours)];
    },
  },
  {
    test: 'test_start_tls_server_1 (of both files)',
    checks: 'The peer asks, reads our answer, and ends TCP without an alert.',
    theirs: 'connection_lost(None)',
    ours: "'hello'; -1 TRUNCATED",
    why: 'A cut is not told from an end in asyncio.',
    sides: ['server'],
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      const [reader, theirs] = [new Reader(ours), new Reader(peer)];
      peer.write('hello');
      await reader.until('hello');
      ours.write('answer');
      await theirs.until('answer');
      relay.fin(toUs);
      return [await reader.all(), await answer(ours)];
    },
  },
  {
    test: 'test_start_tls_client_corrupted_ssl (of both files)',
    checks: 'Plaintext comes in the middle of TLS.',
    theirs: 'SSLError',
    ours: "'A'; error; -1 PROTOCOL",
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      ours.on('error', () => {});
      const reader = new Reader(ours);
      peer.write('A');
      await reader.until('A');
      relay.inject(toUs, Buffer.from('please corrupt the SSL connection'));
      while (received(ours) === 'open') await turns(1);
      return [`'${reader.text}'`, received(ours), await answer(ours)];
    },
  },
];
