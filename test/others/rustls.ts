/** rustls: io.rs and split.rs of its tests. */
import { once } from 'node:events';
import tls from 'node:tls';
import { HeldTransport } from '../support/held.js';
import { turns } from '../support/pair.js';
import { connection } from '../support/wrapped.js';
import type { Place, Row } from './row.js';
import { BOTH, FIN_IN_HANDSHAKE, Reader, answer, closing, errorsOf, lostInHandshake, meet, meetForger, meetOver, other, received, secure, shaking, write } from './scene.js';

/** What a client sends first. */
async function clientHello({ version }: Place): Promise<Buffer> {
  const [near, far] = await connection();
  const client = tls.connect({ socket: near, minVersion: version, maxVersion: version }).on('error', () => {});
  const [hello] = (await once(far, 'data')) as [Buffer];
  client.destroy();
  return hello;
}

const CLOSE_NOTIFY = Buffer.from('15030300020100', 'hex');
const JUNK = Buffer.from('17030301', 'hex');

/** A ClientHello, and then close_notify, which nothing protects yet. */
async function closesTooEarly(place: Place): Promise<string[]> {
  const { ours, far, closed } = await shaking(place);
  far.write(Buffer.concat([await clientHello(place), CLOSE_NOTIFY]));
  far.end();
  await closed;
  const value = await answer(ours);
  return [received(ours) === 'close_notify' ? 'close_notify' : 'no close_notify', value.replace(/ .*/, '')];
}

/** Data of both sides is on its way; then the peer ends, by `end`. */
async function dataBothWays(place: Place, end: (pair: Awaited<ReturnType<typeof meet>>) => void): Promise<string[]> {
  const pair = await meet(place, { allowHalfOpen: true });
  const { ours, peer } = pair;
  const [reader, theirs] = [new Reader(ours), new Reader(peer)];
  peer.write('from-peer!');
  await reader.until('from-peer!');
  end(pair);
  await reader.ended;
  ours.write('from-us!');
  const value = await answer(ours);
  return [await reader.all(), received(ours), value, `the peer reads ${await theirs.all()}`];
}

export const RUSTLS: readonly Row[] = [
  {
    test: 'server_close_notify, client_close_notify',
    checks: 'The peer ends behind its data, while ours is on its way: neither overtakes the other, and ours still arrives.',
    theirs: 'all data of both; peer_has_closed()',
    ours: "'from-peer!'; close_notify; 1; the peer reads 'from-us!'",
    run: (place) => dataBothWays(place, ({ peer }) => peer.end()),
  },
  {
    test: 'server_closes_uncleanly, client_closes_uncleanly',
    checks: 'The same with a bare FIN: the cut does not overtake the data, and ours still arrives.',
    theirs: 'all data of both; not peer_has_closed()',
    ours: "'from-peer!'; fin; -1 TRUNCATED; the peer reads 'from-us!'",
    run: (place) => dataBothWays(place, ({ relay, toUs }) => relay.fin(toUs)),
  },
  {
    test: 'client_stream_read, server_stream_read',
    checks: 'A stream that ends without an alert behind its data.',
    theirs: "b'world', then UnexpectedEof",
    ours: "'world'; no error of the stream; -1 TRUNCATED",
    why: "Node's stream ends as behind an alert. The verdict is asked for.",
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      const errors = errorsOf(ours);
      const reader = new Reader(ours);
      peer.write('world');
      await reader.until('world');
      relay.fin(toUs);
      return [await reader.all(), `${errors()} of the stream`, await answer(ours)];
    },
  },
  {
    test: 'client_complete_io_for_handshake_eof, server_complete_io_for_handshake_eof',
    checks: 'The transport ends in the handshake.',
    theirs: 'UnexpectedEof',
    ours: FIN_IN_HANDSHAKE,
    run: lostInHandshake,
  },
  {
    test: 'server_complete_io_for_write_eof',
    checks: 'The transport takes a part of what is written, and then nothing more.',
    theirs: 'Ok, 5 bytes; Ok, 0 bytes',
    ours: '-1 TIMEOUT; 0 once it takes them',
    why: 'Theirs writes what it can. Ours waits up to its timeout until all is flushed.',
    run: async (place) => {
      const { ours, peer, transport: held } = await meetOver(place, (socket) => new HeldTransport(socket));
      peer.resume();
      held.held = true;
      ours.write('01234567890123456789');
      const first = await answer(ours, { timeout: 20 });
      held.held = false;
      return [first, `${await answer(ours)} once it takes them`];
    },
  },
  {
    test: 'server_complete_io_for_handshake_ending_with_alert',
    checks: 'A handshake that fails: the alert reaches the peer.',
    theirs: 'an error; AlertReceived(HandshakeFailure) at the peer',
    ours: ({ side }) => (side === 'client' ? 'an alert; -1 PROTOCOL' : 'an error of its own; -1 PROTOCOL; the peer: an alert'),
    run: async (place) => {
      const { ours, far, errors, closed } = await shaking(place);
      const version = place.version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2';
      const peer = secure({ version, side: other(place.side) }, far);
      const theirs = new Promise<Error>((resolve) => peer.once('error', resolve));
      const [error] = await Promise.all([theirs, closed]);
      const kind = ({ message }: Error): string => (message.includes('alert') ? 'an alert' : 'an error of its own');
      return [errors.map(kind).join(), await answer(ours), ...(place.side === 'client' ? [] : [`the peer: ${kind(error)}`])];
    },
  },
  {
    test: 'stream_write_reports_underlying_io_error_before_plaintext_processed, client_stream_handshake_error, server_stream_handshake_error',
    checks: 'A write to the transport fails.',
    theirs: "the transport's error",
    ours: 'EIO; -1 TRANSPORT',
    run: async (place) => {
      const { ours, transport } = await meetOver(place, (socket) => new HeldTransport(socket));
      transport._write = (_chunk, _encoding, callback) => callback(Object.assign(new Error('input/output error'), { code: 'EIO' }));
      const failed = new Promise<NodeJS.ErrnoException>((resolve) => ours.on('error', resolve)); // Node emits a second one, of the write
      ours.write('data');
      return [(await failed).code!, await answer(ours)];
    },
  },
  {
    test: 'test_complete_io_errors_if_close_notify_received_too_early',
    checks: 'close_notify right behind the ClientHello, and nothing more.',
    theirs: 'UnexpectedEof',
    ours: 'no close_notify; -1',
    sides: ['server'],
    run: closesTooEarly,
  },
  {
    test: 'test_close_notify_sent_prior_to_handshake_complete',
    checks: 'The same: an alert that nobody has authenticated.',
    theirs: 'PeerMisbehaved(IllegalWarningAlert)',
    ours: 'no close_notify; -1',
    sides: ['server'],
    run: closesTooEarly,
  },
  {
    test: 'test_complete_io_with_no_io_needed',
    checks: 'Both sides have closed: nothing more is read or written.',
    theirs: 'Ok, 0 bytes read, 0 written, on both sides',
    ours: '1, 1; 1 again, nothing more on the wire',
    run: async (place) => {
      const { ours, peer, relay } = await meet(place);
      ours.resume();
      peer.resume().once('end', () => void answer(peer));
      ours.write('hello');
      const value = await answer(ours, BOTH);
      const theirs = await answer(peer, BOTH);
      const before = relay.records.length;
      const again = await answer(ours);
      await turns(4);
      return [`${value}, ${theirs}`, `${again} again, ${relay.records.length === before ? 'nothing more on the wire' : 'more on the wire'}`];
    },
  },
  {
    test: 'test_junk_after_close_notify_received, close_alongside_data',
    checks: 'Data, close_notify and the beginning of something else in one segment.',
    theirs: 'the data; peer_has_closed(); the rest is ignored',
    ours: "'hello'; 1; no error",
    run: async (place) => {
      const { ours, far, deliver } = await meetForger(place);
      const errors = errorsOf(ours);
      const reader = new Reader(ours);
      deliver(Buffer.concat([far.sealData('hello'), far.sealAlert(1, 0), JUNK]));
      return [await reader.all(), await answer(ours), errors()];
    },
  },
  {
    test: 'test_data_after_close_notify_is_ignored',
    checks: 'A write behind our end: the peer does not see it.',
    theirs: "WriteTlsAfterSendPathClosed; b'before'",
    ours: "0; ERR_STREAM_WRITE_AFTER_END; the peer reads 'before', then close_notify",
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const theirs = new Reader(peer);
      ours.write('before');
      const value = await answer(ours);
      const late = await write(ours, 'after');
      const data = await theirs.all();
      peer.end();
      await closing(peer);
      return [value, late, `the peer reads ${data}, then ${received(peer)}`];
    },
  },
  {
    test: 'test_read_tls_artificial_eof_after_close_notify',
    checks: 'Authentic data behind close_notify.',
    theirs: 'not read',
    ours: "'before'; 1; no error",
    run: async (place) => {
      const { ours, far, deliver } = await meetForger(place);
      const errors = errorsOf(ours);
      const reader = new Reader(ours);
      deliver(far.sealData('before'), far.sealAlert(1, 0), far.sealData('after'));
      return [await reader.all(), await answer(ours), errors()];
    },
  },
  {
    test: 'test_subsequent_close_notify_ignored',
    checks: 'Two ends in the handshake.',
    theirs: 'an alert in plaintext; nothing',
    ours: '-1 IN_HANDSHAKE; -1 IN_HANDSHAKE; nothing sent',
    why: 'As SSL_shutdown: no alert in a handshake, where nothing is authenticated.',
    run: async (place) => {
      const { ours, far } = await shaking(place);
      far.removeAllListeners('data');
      const sent: Buffer[] = [];
      far.on('data', (chunk: Buffer) => sent.push(chunk));
      const values = [await answer(ours), await answer(ours)];
      await turns(4);
      return [...values, Buffer.concat(sent)[0] === 21 ? 'an alert' : 'nothing sent'];
    },
  },
  {
    test: 'test_second_close_notify_after_handshake',
    checks: 'Two ends behind the handshake.',
    theirs: 'an alert; nothing',
    ours: '0, 0; 1 alert',
    run: async (place) => {
      const { ours, far } = await meetForger(place);
      const values = await Promise.all([answer(ours), answer(ours)]);
      await far.untilOurAlert();
      await turns(4);
      return [values.join(', '), `${far.ourAlerts.length} alert`];
    },
  },
  {
    test: 'split_pairwise',
    checks: 'Both sides end at once.',
    theirs: 'CloseNotify on both',
    ours: '1, 1',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      return [(await Promise.all([answer(ours.resume(), BOTH), answer(peer.resume(), BOTH)])).join(', ')];
    },
  },
  {
    test: 'read_invalid_data_and_send_alert',
    checks: 'Bytes that are no record: the fatal alert reaches the peer.',
    theirs: 'InvalidContentType; AlertReceived(DecodeError) at the peer',
    ours: '-1 PROTOCOL; -1 PROTOCOL at the peer',
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      ours.on('error', () => {}).resume();
      peer.resume();
      relay.inject(toUs, Buffer.alloc(5));
      while (received(peer) === 'open') await turns(1);
      return [await answer(ours), `${await answer(peer)} at the peer`];
    },
  },
];
