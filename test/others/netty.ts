/** Netty: CloseNotifyTest, SslHandlerTest, ParameterizedSslHandlerTest, SslErrorTest and SSLEngineTest. */
import { once } from 'node:events';
import tls from 'node:tls';
import { getShutdown, unwrap, watch } from '../../src/index.js';
import { certificate, listen, track, turns } from '../support/pair.js';
import { codeOf, relayed, wrapAs } from '../support/wrapped.js';
import type { Place, Row } from './row.js';
import { BOTH, Reader, answer, closing, meet, meetForger, received, shaking, write } from './scene.js';

/** Bytes that are no TLS, where a handshake should begin. */
async function junk(place: Place, ...pieces: string[]): Promise<string[]> {
  const { ours, far, errors } = await shaking(place);
  for (const piece of pieces) {
    far.write(Buffer.from(piece, 'hex'));
    await turns();
  }
  while (received(ours) === 'open') await turns(1);
  return [`${errors.length} error${errors.length === 1 ? '' : 's'}`, await answer(ours)];
}

/** The first and the second end, on the wire: the records that each side sent since the handshake, and how the calls are answered. */
async function sequence(place: Place): Promise<string[]> {
  const { ours, peer, relay, toPeer } = await meet(place);
  const before = relay.records.length;
  ours.resume();
  peer.resume();
  const first = await answer(ours);
  await once(peer, 'end');
  const second = await answer(peer);
  const third = await answer(ours);
  const again = [await answer(ours), await answer(peer)];
  const sent = relay.records.slice(before);
  const ofOurs = sent.filter(({ direction }) => direction === toPeer).length;
  return [`${first}, ${second}, ${third}`, `${ofOurs} and ${sent.length - ofOurs} record`, `again ${again.join(', ')}`];
}

export const NETTY: readonly Row[] = [
  {
    test: 'CloseNotifyTest.eventsOrder',
    checks: 'The peer answers and ends: we are told the answer, then the end, then that it is closed, and our alert goes out by itself.',
    theirs: 'the answer; SslCloseCompletionEvent; inactive; an alert (JDK with TLS 1.3: only at close())',
    ours: "'response_msg', end, close; close_notify, close_notify; 1 at the peer",
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const events: string[] = [];
      for (const name of ['end', 'close']) ours.once(name, () => events.push(name));
      const reader = new Reader(ours);
      peer.resume();
      ours.write('request_msg');
      peer.write('response_msg');
      const value = await answer(peer, BOTH);
      await closing(ours);
      const { sent, received: got } = getShutdown(ours);
      return [[await reader.all(), ...events].join(', '), `${sent}, ${got}`, `${value} at the peer`];
    },
  },
  {
    test: 'ParameterizedSslHandlerTest.testCloseNotify',
    checks: 'A close that waits for the answer.',
    theirs: 'both close futures succeed',
    ours: '1; 1 at the peer',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const theirs = once(peer.resume(), 'end').then(() => answer(peer));
      return [await answer(ours.resume(), BOTH), `${await theirs} at the peer`];
    },
  },
  {
    test: 'ParameterizedSslHandlerTest.testCloseNotifyReceivedTimeout',
    checks: 'The answer gets lost on its way.',
    theirs: "the closer's future fails after 100 ms; the other's succeeds",
    ours: '-1 TIMEOUT; 1 at the peer',
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      relay.mute(toUs);
      const theirs = once(peer.resume(), 'end').then(() => answer(peer));
      const value = answer(ours, { ...BOTH, timeout: 50 });
      return [await value, `${await theirs} at the peer`];
    },
  },
  {
    test: 'ParameterizedSslHandlerTest.testCloseNotifyNotWaitForResponse',
    checks: 'A close that does not wait for the answer.',
    theirs: "the closer's future fails; the other's succeeds",
    ours: '0; 1 at the peer',
    why: '0 is no failure: our alert is out, and another call can wait for the answer.',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const theirs = once(peer.resume(), 'end').then(() => answer(peer));
      return [await answer(ours), `${await theirs} at the peer`];
    },
  },
  {
    test: 'SslHandlerTest.testSslCompletionEventsTls12JDK, …Tls12Openssl, …Tls13JDK, …Tls13Openssl',
    checks: 'Two connections; one side closes, and both are told that TLS was closed.',
    theirs: "success on both sides; of the closer's own under TLS 1.3 only that it is told",
    ours: '1, 1; 1, 1 at the peer',
    run: async (place) => {
      const pairs = [await meet(place), await meet(place)];
      const theirs = pairs.map(({ peer }) => once(peer.resume(), 'end').then(() => answer(peer)));
      const values = await Promise.all(pairs.map(({ ours }) => answer(ours.resume(), BOTH)));
      return [values.join(', '), `${(await Promise.all(theirs)).join(', ')} at the peer`];
    },
  },
  {
    test: 'SslHandlerTest.testCloseFutureNotified, testEventsFired',
    checks: 'The connection is closed before the handshake.',
    theirs: 'ClosedChannelException of the handshake and of the close',
    ours: '-1 CLOSED',
    run: async (place) => {
      const { ours, closed } = await shaking(place);
      ours.destroy();
      await closed;
      return [await answer(ours)];
    },
  },
  {
    test: 'SslHandlerTest.testHandshakeAndClosePromiseFailedOnRemoval',
    checks: 'TLS is taken off in the handshake.',
    theirs: 'handshake and close fail, with the same cause',
    ours: 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE; still open',
    why: 'unwrap leaves it as it is, and can be called again. To give up is destroy().',
    run: async ({ side, version }) => {
      const { ends } = await relayed();
      const ours = wrapAs(side, side === 'client' ? ends[0] : ends[1], version);
      return [await codeOf(unwrap(ours)), ours.destroyed ? 'destroyed' : 'still open'];
    },
  },
  {
    test: 'SslHandlerTest.testOutboundClosedAfterChannelInactive',
    checks: 'The channel is closed: TLS can send nothing more.',
    theirs: 'isOutboundDone()',
    ours: 'ERR_STREAM_DESTROYED; -1 CLOSED',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      peer.resume();
      ours.on('error', () => {}).destroy();
      await closing(ours);
      return [await write(ours), await answer(ours)];
    },
  },
  {
    test: 'SslHandlerTest.testTruncatedPacket',
    checks: 'A bad handshake record in two parts.',
    theirs: 'SSLProtocolException',
    ours: '1 error; -1 PROTOCOL',
    run: (place) => junk(place, '1603030005', '0200000100'),
  },
  {
    test: 'SslHandlerTest.testIncorrectLength',
    checks: 'A header that is no header of TLS.',
    theirs: 'NotSslRecordException',
    ours: '1 error; -1 PROTOCOL',
    run: (place) => junk(place, '0001fe8702'),
  },
  {
    test: 'SslHandlerTest.testIncompleteWriteDoesNotCompletePromisePrematurely',
    checks: 'A write in the handshake, then a close: the write is not told as done.',
    theirs: 'the write fails',
    ours: '-1 IN_HANDSHAKE; not told before destroy()',
    run: async (place) => {
      const { ours } = await shaking(place);
      let told = 'not told before destroy()';
      ours.write('0000000000', () => (told = 'told'));
      const value = await answer(ours);
      await turns(4);
      return [value, told];
    },
  },
  {
    test: 'SslHandlerTest.testCloseOnHandshakeFailure',
    checks: 'We refuse the certificate of the server: the connection is closed.',
    theirs: 'the handshake fails; closed',
    ours: 'DEPTH_ZERO_SELF_SIGNED_CERT; closed; -1 TRANSPORT',
    sides: ['client'],
    run: async ({ version }) => {
      const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version }, (socket) => track(socket).on('error', () => {}));
      const ours = watch(track(tls.connect({ port: await listen(server), host: '127.0.0.1' })));
      const failed = new Promise<NodeJS.ErrnoException>((resolve) => ours.once('error', resolve));
      return [(await failed).code!, await closing(ours), await answer(ours)];
    },
  },
  {
    test: 'SslHandlerTest.testHandshakeFailureOnlyFireExceptionOnce',
    checks: 'A handshake that fails is told once.',
    theirs: 'one exception',
    ours: '1 error; -1 PROTOCOL, -1 PROTOCOL',
    run: async (place) => {
      const { ours, far, errors, closed } = await shaking(place);
      far.write(Buffer.from('15030300020228', 'hex'));
      far.end();
      await closed;
      const values = [await answer(ours), await answer(ours)];
      return [`${errors.length} error`, values.join(', ')];
    },
  },
  {
    test: 'ParameterizedSslHandlerTest.testAlertProducedAndSend; SslErrorTest.testCorrectAlert',
    checks: 'The server refuses our certificate: its alert is heard.',
    theirs: 'an SSLException of the alert',
    ours: 'no error of an alert; -1',
    why: 'Node checks the certificate of a client behind the handshake, and then destroys the connection. It sends no alert.',
    sides: ['client'],
    run: async ({ version }) => {
      const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version, requestCert: true });
      const ours = watch(track(tls.connect({ ...certificate, port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false }))).resume();
      const errors: Error[] = [];
      ours.on('error', (error) => errors.push(error));
      await closing(ours);
      return [errors.some(({ message }) => message.includes('alert')) ? 'an alert' : 'no error of an alert', (await answer(ours)).replace(/ .*/, '')];
    },
  },
  {
    test: 'SSLEngineTest.testCloseNotifySequence',
    checks: 'One side ends, the other answers; then both are asked again.',
    theirs: 'CLOSED each time; an alert of each; then nothing more',
    ours: '0, 1, 1; 1 and 1 record; again 1, 1',
    run: sequence,
  },
  {
    test: 'SSLEngineTest.testBeginHandshakeCloseOutbound',
    checks: 'An end when the handshake has begun.',
    theirs: 'CLOSED',
    ours: '-1 IN_HANDSHAKE',
    why: 'As SSL_shutdown: nothing is sent, and the call can be made again.',
    run: async (place) => [await answer((await shaking(place)).ours)],
  },
  {
    test: 'SSLEngineTest.testCloseInboundAfterBeginHandshake',
    checks: 'The transport has ended, and no alert of the peer came.',
    theirs: 'SSLException',
    ours: 'fin; -1 TRUNCATED',
    run: async (place) => {
      const { ours, relay, toUs } = await meet(place);
      relay.fin(toUs);
      await once(ours.resume(), 'end');
      return [received(ours), await answer(ours)];
    },
  },
  {
    test: 'SSLEngineTest.testWrapAfterCloseOutbound',
    checks: 'Data that is given to an ended connection is not taken; the alert goes out.',
    theirs: 'CLOSED, 0 bytes consumed',
    ours: 'ERR_STREAM_WRITE_AFTER_END; 1 alert, no data',
    run: async (place) => {
      const { ours, far } = await meetForger(place);
      const before = far.opened.length;
      await answer(ours);
      const late = await write(ours, 'x'.repeat(1024));
      await far.untilOurAlert();
      await turns(4);
      const data = far.opened.slice(before).filter(({ type }) => type === 23).length;
      return [late, `${far.ourAlerts.length} alert, ${data === 0 ? 'no data' : 'data'}`];
    },
  },
];
