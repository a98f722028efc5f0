/** Go: crypto/tls. */
import { once } from 'node:events';
import { getShutdown } from '../../src/index.js';
import { HeldTransport } from '../support/held.js';
import { turns } from '../support/pair.js';
import type { Place, Row } from './row.js';
import { BOTH, Reader, answer, closing, lostInHandshake, meet, meetForger, meetOver, received, secure, shaking, write, type Over } from './scene.js';

const UNKNOWN_CA = Buffer.from('15030300020230', 'hex');

const held = (place: Place): Promise<Over<HeldTransport>> => meetOver(place, (socket) => new HeldTransport(socket));

export const GO: readonly Row[] = [
  {
    test: 'TestConnCloseWrite (client)',
    checks: 'An end of our side, a write, then reading to the end of the peer, who ends when he has read ours.',
    theirs: "nil; errShutdown; b'', EOF",
    ours: "0; ERR_STREAM_WRITE_AFTER_END; ''; -1 TRANSPORT",
    why: 'Node destroys a stream that is written to behind its end. Without that write it is 1.',
    run: async (place) => {
      const { ours, peer, relay, toPeer } = await meet(place);
      const reader = new Reader(ours);
      peer.resume();
      const value = await answer(ours);
      await relay.until(() => relay.fins.includes(toPeer));
      const late = await write(ours);
      return [value, late, await reader.all(), await answer(ours)];
    },
  },
  {
    test: 'TestConnCloseWrite (server)',
    checks: 'The peer ends his side: reading to his end, then an end of ours.',
    theirs: "b'', EOF; nil",
    ours: "''; 1; 1 at the peer",
    run: async (place) => {
      const { ours, peer } = await meet(place, { allowHalfOpen: true });
      const reader = new Reader(ours);
      peer.resume();
      const theirs = answer(peer, BOTH);
      return [await reader.all(), await answer(ours), `${await theirs} at the peer`];
    },
  },
  {
    test: 'TestConnCloseWrite (before the handshake)',
    checks: 'An end of our side before the handshake is done.',
    theirs: 'errEarlyCloseWrite',
    ours: '-1 IN_HANDSHAKE',
    run: async (place) => [await answer((await shaking(place)).ours)],
  },
  {
    test: 'TestConnCloseBreakingWrite',
    checks: 'A close while a write is stuck: it must not wait for ever; then another one.',
    theirs: "the transport is closed; the write fails; net.ErrClosed",
    ours: '-1 TIMEOUT; after destroy() closed; -1 CLOSED',
    why: 'Ours waits up to its timeout for what was written, and leaves the socket to its caller.',
    run: async (place) => {
      const { ours, transport } = await held(place);
      transport.held = true;
      ours.write('foo');
      const value = await answer(ours, { timeout: 20 });
      ours.destroy();
      return [value, `after destroy() ${await closing(ours)}`, await answer(ours)];
    },
  },
  {
    test: 'TestConnReadNonzeroAndEOF',
    checks: 'Data and close_notify have come together.',
    theirs: "b'abcdef' and io.EOF in one Read",
    ours: "'abcdef'; close_notify",
    versions: ['TLSv1.2'],
    run: async (place) => {
      const { ours, far, deliver } = await meetForger(place);
      const reader = new Reader(ours);
      deliver(Buffer.concat([far.sealData('abcdef'), far.sealAlert(1, 0)]));
      await reader.ended;
      await closing(ours);
      return [await reader.all(), received(ours)];
    },
  },
  {
    test: 'TestWarningAlertFlood',
    checks: '17 warnings in a row.',
    theirs: 'too many ignored records',
    ours: 'error; -1 PROTOCOL',
    versions: ['TLSv1.2'],
    run: async (place) => {
      const { ours, far, deliver } = await meetForger(place);
      ours.resume();
      deliver(...Array.from({ length: 17 }, () => far.sealAlert(1, 100)));
      while (received(ours) === 'open') await turns(1);
      return [received(ours), await answer(ours)];
    },
  },
  {
    test: 'TestHairpinInClose',
    checks: 'The transport asks the TLS connection for its state while it is closed.',
    theirs: 'no deadlock',
    ours: '1; asked: close_notify, close_notify',
    run: async (place) => {
      const { ours, peer, transport } = await held(place);
      let asked = 'never';
      const { _destroy: destroy } = transport;
      transport._destroy = function (error, callback) {
        const { sent, received: got } = getShutdown(ours);
        asked = `${sent}, ${got}`;
        destroy.call(transport, error, callback);
      };
      ours.resume();
      peer.resume().once('end', () => peer.end());
      const value = await answer(ours, BOTH);
      await closing(transport);
      return [value, `asked: ${asked}`];
    },
  },
  {
    test: 'TestAlertForwarding',
    checks: 'A fatal alert in the handshake, unknown_ca.',
    theirs: 'the alert as an error',
    ours: ({ side }) => `${side === 'client' ? 'unknown ca' : 'unexpected message'}; error; -1 PROTOCOL`,
    why: "To OpenSSL a client's alert in the place of its ClientHello is an unexpected message.",
    run: async (place) => {
      const { ours, far, errors, closed } = await shaking(place);
      far.write(UNKNOWN_CA);
      await closed;
      return [/unknown ca|unexpected message/.exec(String(errors[0]))?.[0] ?? String(errors[0]), received(ours), await answer(ours)];
    },
  },
  {
    test: 'TestClose',
    checks: 'The peer closes TCP before he says anything.',
    theirs: 'io.EOF',
    ours: 'no error; -1 NOT_SENT',
    sides: ['server'],
    run: (place) => lostInHandshake(place, (far) => far.destroy()),
  },
  {
    test: 'TestCloseClientConnectionOnIdleServer, TestCloseServerConnectionOnIdleClient',
    checks: 'A close while the handshake waits for a silent peer: it ends at once, and by no time limit.',
    theirs: 'the handshake fails: closed',
    ours: '-1 CLOSED; -1 CLOSED of a call that follows',
    why: 'destroy() is the close. A shutdown alone is -1 IN_HANDSHAKE.',
    run: async (place) => {
      const { ours, closed } = await shaking(place);
      ours.destroy();
      const value = await answer(ours);
      await closed;
      return [value, `${await answer(ours)} of a call that follows`];
    },
  },
  {
    test: 'TestDeadlineOnWrite',
    checks: 'Time ran out in a write; once more without a limit.',
    theirs: 'a time-out; the same time-out: the connection is broken for good',
    ours: "-1 TIMEOUT; 0; the peer reads 'should fail', then close_notify",
    why: 'Node keeps the record that was begun. So ours can go on from there.',
    run: async (place) => {
      const { ours, peer, transport } = await held(place);
      const theirs = new Reader(peer);
      transport.held = true;
      ours.write('should fail');
      const first = await answer(ours, { timeout: 20 });
      transport.held = false;
      const second = await answer(ours, { timeout: Infinity });
      const data = await theirs.all();
      peer.end();
      await once(peer, 'finish');
      return [first, second, `the peer reads ${data}, then ${received(peer)}`];
    },
  },
  {
    test: 'TestAlertFlushing',
    checks: 'A handshake that fails at the peer: his alert is heard.',
    theirs: 'remote error: internal error',
    ours: 'an alert; -1 PROTOCOL',
    sides: ['client'],
    run: async (place) => {
      const { ours, far, errors, closed } = await shaking(place);
      secure({ version: place.version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2', side: 'server' }, far).on('error', () => {});
      await closed;
      return [errors.every(({ message }) => message.includes('alert')) ? 'an alert' : 'another error', await answer(ours)];
    },
  },
];
