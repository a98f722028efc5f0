/** Node's own tests of TLS in which a connection is destroyed, reset or fails. */
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, watch } from '../../src/index.js';
import { HeldTransport } from '../support/held.js';
import { certificate, listen, track, turns } from '../support/pair.js';
import { wire } from '../support/wire.js';
import { handshakes } from '../support/wrapped.js';
import type { Row } from './row.js';
import { Reader, answer, closing, errorsOf, lostInHandshake, meet, meetOver, other, received, secure, shaking } from './scene.js';

const MEGABYTE = 1 << 20;

export const NODE_DESTROYED: readonly Row[] = [
  {
    test: 'test-tls-close-error',
    checks: 'The certificate of the server is refused: `close` says that it was an error.',
    theirs: "'error', 'close' (true)",
    ours: 'error, close (true); -1 TRANSPORT',
    sides: ['client'],
    run: async ({ version }) => {
      const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version }, (socket) => track(socket).on('error', () => {}));
      const ours = watch(track(tls.connect({ port: await listen(server), host: '127.0.0.1' })));
      const events: string[] = [];
      ours.on('error', () => events.push('error'));
      const [hadError] = await new Promise<[boolean]>((resolve) => ours.once('close', (had) => resolve([had])));
      return [`${events.join()}, close (${hadError})`, await answer(ours)];
    },
  },
  {
    test: 'test-tls-socket-close',
    checks: 'The socket under TLS is destroyed: TLS is told a turn later.',
    theirs: "'close' on both; not yet destroyed in setImmediate",
    ours: 'not yet destroyed; closed; -1 CLOSED',
    run: async (place) => {
      const { ours, peer, transport } = await meetOver(place, (socket) => socket);
      peer.on('error', () => {}).write('.');
      await once(ours, 'data');
      transport.destroy();
      const state = await new Promise((resolve) => setImmediate(() => resolve(ours.destroyed ? 'destroyed' : 'not yet destroyed')));
      return [String(state), await closing(ours), await answer(ours)];
    },
  },
  {
    test: 'test-tls-socket-destroy',
    checks: 'Our socket is destroyed at the first piece of a megabyte.',
    theirs: 'no crash',
    ours: 'closed; -1 CLOSED; no close_notify at the peer',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      ours.once('data', () => ours.destroy());
      peer.on('error', () => {}).resume();
      peer.write('*'.repeat(MEGABYTE));
      await closing(ours);
      await new Reader(peer).ended;
      return ['closed', await answer(ours), `${received(peer) === 'close_notify' ? 'close_notify' : 'no close_notify'} at the peer`];
    },
  },
  {
    test: 'test-tls-destroy-stream, test-tls-destroy-stream-12',
    checks: 'Over a stream in memory the peer writes and destroys: our side is closed, without an error.',
    theirs: "'close'; the data or nothing",
    ours: 'closed, no error; -1',
    run: async (place) => {
      const [mine, line] = wire();
      const [ours, peer] = [secure(place, mine), secure({ ...place, side: other(place.side) }, line)];
      await handshakes(ours, peer);
      await turns();
      const errors = errorsOf(ours.resume());
      peer.on('error', () => {}).write('Hello World');
      peer.destroy();
      line.on('close', () => mine.destroy());
      return [`${await closing(ours)}, ${errors()}`, (await answer(ours)).replace(/ .*/, '')];
    },
  },
  {
    test: 'test-tls-destroy-whilst-write',
    checks: 'Our socket is destroyed while its transport has not taken a write.',
    theirs: 'no crash',
    ours: 'closed; -1 CLOSED',
    run: async (place) => {
      const { ours, transport } = await shaking(place, (socket) => new HeldTransport(socket));
      (transport as HeldTransport).held = true;
      ours.write('data');
      await turns(1);
      ours.destroy();
      return [await closing(ours), await answer(ours)];
    },
  },
  {
    test: 'test-tls-econnreset',
    checks: 'The client goes before the handshake: the server is told.',
    theirs: "'tlsClientError' ECONNRESET, socket hang up",
    ours: 'ECONNRESET; -1',
    sides: ['server'],
    run: async ({ version }) => {
      const server = watch(tls.createServer({ ...certificate, minVersion: version, maxVersion: version }));
      const port = await listen(server);
      const failed = once(server, 'tlsClientError') as Promise<[NodeJS.ErrnoException, TLSSocket]>;
      const client = track(net.connect({ port, host: '127.0.0.1' }));
      await once(client, 'connect');
      client.destroy();
      const [error, ours] = await failed;
      return [error.code!, (await answer(ours)).replace(/ .*/, '')];
    },
  },
  {
    test: 'test-tls-wrap-econnreset, …-localaddress, …-pipe, …-socket',
    checks: 'The server ends TCP instead of a handshake.',
    theirs: "'error' ECONNRESET, 'close'",
    ours: 'ECONNRESET; -1 UNVERIFIED',
    sides: ['client'],
    run: lostInHandshake,
  },
  {
    test: 'test-tls-client-abort, test-tls-client-abort2',
    checks: 'A socket that is destroyed before it is connected, or in its error.',
    theirs: 'no crash',
    ours: '-1 CLOSED; ECONNREFUSED, -1 TRANSPORT',
    sides: ['client'],
    run: async ({ version }) => {
      const first = watch(track(tls.connect({ port: 1, host: '127.0.0.1', minVersion: version, maxVersion: version }))).on('error', () => {});
      first.destroy();
      const second = watch(track(tls.connect({ port: 1, host: '127.0.0.1', minVersion: version, maxVersion: version })));
      const error = await new Promise<NodeJS.ErrnoException>((resolve) => second.once('error', resolve));
      second.destroy();
      return [await answer(first), `${error.code}, ${await answer(second)}`];
    },
  },
  {
    test: 'test-tls-alert-handling',
    checks: 'Bad bytes in the middle of TLS: an error on this side, the alert on the other.',
    theirs: 'ERR_SSL_… on both',
    ours: 'ERR_SSL; -1 PROTOCOL; ERR_SSL, -1 PROTOCOL at the peer',
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      const error = new Promise<NodeJS.ErrnoException>((resolve) => ours.resume().once('error', resolve));
      const theirs = new Promise<NodeJS.ErrnoException>((resolve) => peer.resume().once('error', resolve));
      relay.inject(toUs, Buffer.alloc(6, 255));
      const name = ({ code }: NodeJS.ErrnoException): string => code!.slice(0, 7);
      const [first, second] = await Promise.all([error, theirs]);
      return [name(first), await answer(ours), `${name(second)}, ${await answer(peer)} at the peer`];
    },
  },
  {
    test: 'test-tls-junk-closes-server',
    checks: 'Bytes that are no TLS close the connection.',
    theirs: "'end' at the client",
    ours: 'the end at the client; -1 PROTOCOL',
    sides: ['server'],
    run: async ({ version }) => {
      const server = watch(tls.createServer({ ...certificate, minVersion: version, maxVersion: version }));
      const client = track(net.connect({ port: await listen(server), host: '127.0.0.1' }));
      const failed = once(server, 'tlsClientError') as Promise<[Error, TLSSocket]>;
      client.write('blah\nblah\nblah\n');
      await once(client.resume(), 'end');
      return ['the end at the client', await answer((await failed)[1])];
    },
  },
  {
    test: 'test-tls-invoke-queued',
    checks: 'Writes that were told as done, and then destroy(): they arrive.',
    theirs: "'hello world! gosh', 'end'",
    ours: "'hello world! gosh'; -1 TRUNCATED at the peer",
    why: 'A cut is not told from an end there.',
    run: async (place) => {
      const { ours, peer } = await meet(place);
      ours.resume();
      const theirs = new Reader(peer);
      ours.write('hello ', () => {
        ours.write('world!');
        ours.write(' gosh', () => ours.destroy());
      });
      return [await theirs.all(), `${await answer(peer)} at the peer`];
    },
  },
  {
    test: 'test-tls-on-empty-socket, test-tls-tlswrap-segfault, test-tls-tlswrap-segfault-2, test-tls-retain-handle-no-abort',
    checks: 'A socket that is closed and has no handle any more is still asked.',
    theirs: 'no crash',
    ours: "'hello'; close_notify, close_notify; 1",
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const reader = new Reader(ours);
      peer.resume().end('hello');
      const data = await reader.all();
      await closing(ours);
      const { sent, received: got } = getShutdown(ours);
      return [data, `${sent}, ${got}`, await answer(ours)];
    },
  },
];
