/** Node's own tests of TLS in which a connection is ended: test-tls-*close*, *end*, and others that check it. */
import tls from 'node:tls';
import { watch } from '../../src/index.js';
import { certificate, listen, track } from '../support/pair.js';
import { duplexOver } from '../support/transports.js';
import type { Row } from './row.js';
import { BOTH, Reader, answer, closing, errorsOf, meet, meetOver, received } from './scene.js';

const MEGABYTE = 1 << 20;

export const NODE: readonly Row[] = [
  {
    test: 'test-tls-close-notify',
    checks: 'An alert without a FIN ends the stream.',
    theirs: "'end'",
    ours: "'', end; 1",
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      const reader = new Reader(ours);
      relay.holdFin(toUs);
      peer.resume().end();
      return [`${await reader.all()}, end`, await answer(ours)];
    },
  },
  {
    test: 'test-tls-close-event-after-write',
    checks: 'Both sides end, one of them behind 1 MB: both are closed.',
    theirs: "'close' on both",
    ours: `${MEGABYTE} bytes; 1, 1; closed, closed`,
    run: async (place) => {
      const { ours, peer } = await meet(place);
      ours.resume();
      const theirs = new Reader(peer);
      ours.write(Buffer.alloc(MEGABYTE));
      const value = answer(ours, BOTH);
      const data = await theirs.all();
      const values = `${await answer(peer)}, ${await value}`;
      return [data, values, `${await closing(ours)}, ${await closing(peer)}`];
    },
  },
  {
    test: 'test-tls-client-destroy-soon',
    checks: 'destroySoon() right behind the end and 2 MB: they arrive.',
    theirs: "all bytes, 'end'",
    ours: `${2 * MEGABYTE} bytes, then close_notify`,
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const theirs = new Reader(peer);
      ours.end(Buffer.alloc(2 * MEGABYTE, 'Y'));
      ours.destroySoon();
      const data = await theirs.all();
      peer.end();
      return [`${data}, then ${received(peer)}`];
    },
  },
  {
    test: 'test-tls-zero-clear-in',
    checks: 'An end with 0 bytes before the handshake is done is no error.',
    theirs: "no 'error'",
    ours: 'no error; 1',
    sides: ['client'],
    run: async ({ version }) => {
      const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version }, (socket) => track(socket).on('error', () => {}).resume());
      const ours = watch(track(tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false })));
      const errors = errorsOf(ours);
      ours.end('');
      await closing(ours.resume());
      return [errors(), await answer(ours)];
    },
  },
  {
    test: 'test-tls-js-stream, test-tls-generic-stream',
    checks: 'Over a stream of JavaScript: both write and end, and it is closed.',
    theirs: "'close'",
    ours: "'ohai'; 1; closed; 'hello' at the peer",
    run: async (place) => {
      const { ours, peer } = await meetOver(place, duplexOver);
      const [reader, theirs] = [new Reader(ours), new Reader(peer)];
      peer.write('ohai');
      peer.once('end', () => peer.end());
      ours.write('hello');
      await reader.until('ohai');
      const value = await answer(ours, BOTH);
      return [await reader.all(), value, await closing(ours), `${await theirs.all()} at the peer`];
    },
  },
  {
    test: 'test-tls-net-socket-keepalive, test-tls-net-socket-keepalive-12',
    checks: 'Over a half-open socket: both write and end at once, and nothing hangs.',
    theirs: "'end', 'close' on both",
    ours: "'hello'; 1, 1; closed, closed",
    run: async (place) => {
      const { ours, peer } = await meetOver(place, (socket) => socket);
      const [reader] = [new Reader(ours), new Reader(peer)];
      ours.write('hello');
      peer.write('hello');
      await reader.until('hello');
      const values = await Promise.all([answer(ours, BOTH), answer(peer, BOTH)]);
      return [await reader.all(), values.join(', '), `${await closing(ours)}, ${await closing(peer)}`];
    },
  },
  {
    test: 'test-tls-connect-allow-half-open-option',
    checks: 'With allowHalfOpen we still write behind the end of the peer.',
    theirs: "'Hello', 'end'; 'Bye' arrives",
    ours: "'Hello'; 1; 'Bye' at the peer",
    run: async (place) => {
      const { ours, peer } = await meet(place, { allowHalfOpen: true });
      const [reader, theirs] = [new Reader(ours), new Reader(peer)];
      peer.end('Hello');
      const data = await reader.all();
      ours.write('Bye');
      return [data, await answer(ours), `${await theirs.all()} at the peer`];
    },
  },
];
