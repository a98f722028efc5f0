/** CPython's test_asyncio: test_ssl.py. */
import { once } from 'node:events';
import { unwrap } from '../../src/index.js';
import { HeldTransport } from '../support/held.js';
import { turns } from '../support/pair.js';
import { handshakes, readBytes, wrapAs } from '../support/wrapped.js';
import type { Row } from './row.js';
import { BOTH, Reader, answer, closing, meet, meetOver, other, received } from './scene.js';

const BACKLOG = 4 << 20;

export const CPYTHON_ASYNCIO: readonly Row[] = [
  {
    test: 'test_ssl test_shutdown_cleanly',
    checks: 'The peer unwraps behind its answer, and we read to the end and close: 25 connections at once.',
    theirs: "25 times b'OK', b''; unwrap() returns",
    ours: "25 times 'OK', 1; 1",
    run: async (place) => {
      const one = async (): Promise<string> => {
        const { ours, peer } = await meet(place);
        const [reader] = [new Reader(ours), new Reader(peer)];
        ours.write('A'.repeat(1024));
        await once(peer, 'data');
        peer.write('OK');
        const theirs = answer(peer, BOTH);
        return [await reader.all(), await answer(ours)].join(', ') + `; ${await theirs}`;
      };
      const all = await Promise.all(Array.from({ length: 25 }, one));
      return [...new Set(all)].map((text) => `${all.filter((each) => each === text).length} times ${text}`);
    },
  },
  {
    test: 'test_ssl test_create_server_ssl_1, test_create_connection_ssl_1',
    checks: 'An end right behind the last write: the peer reads all of it.',
    theirs: 'all data',
    ours: "0; 'SPAM', then close_notify; 1",
    run: async (place) => {
      const { ours, peer } = await meet(place);
      const theirs = new Reader(peer);
      for (const part of ['SP', 'A', 'M']) ours.write(part);
      const first = await answer(ours);
      const data = await theirs.all();
      peer.end();
      await once(peer, 'finish');
      return [first, `${data}, then ${received(peer)}`, await answer(ours)];
    },
  },
  {
    test: 'test_ssl test_flush_before_shutdown',
    checks: 'An end behind 4 MB that the peer has not read yet: they arrive first.',
    theirs: 'all data',
    ours: `0; ${BACKLOG} bytes, then close_notify`,
    run: async (place) => {
      const { ours, peer, relay, toPeer } = await meet(place);
      relay.stall(toPeer, true);
      ours.write(Buffer.alloc(BACKLOG, 'x'));
      const first = answer(ours);
      await turns(10);
      const theirs = new Reader(peer);
      relay.stall(toPeer, false);
      const data = await theirs.all();
      peer.end();
      await once(peer, 'finish');
      return [await first, `${data}, then ${received(peer)}`];
    },
  },
  {
    test: 'test_ssl test_remote_shutdown_receives_trailing_data (close_notify)',
    checks: 'The peer ends while 4 MB of ours wait for it: they still arrive, and our alert behind them.',
    theirs: 'all data; unwrap() returns',
    ours: `${BACKLOG} bytes, then close_notify; 1`,
    run: async (place) => {
      const { ours, peer, relay, toPeer } = await meet(place);
      ours.resume();
      relay.stall(toPeer, true);
      ours.write(Buffer.alloc(BACKLOG, 'x'));
      await turns(10);
      const theirs = new Reader(peer);
      peer.end();
      await once(ours, 'end');
      relay.stall(toPeer, false);
      return [`${await theirs.all()}, then ${received(peer)}`, await answer(ours)];
    },
  },
  {
    test: 'test_ssl test_remote_shutdown_receives_trailing_data (EOF)',
    checks: 'The same with a bare FIN of the peer.',
    theirs: 'all data',
    ours: `${BACKLOG} bytes; -1 TRUNCATED`,
    run: async (place) => {
      const { ours, peer, relay, toPeer, toUs } = await meet(place);
      ours.resume();
      relay.stall(toPeer, true);
      ours.write(Buffer.alloc(BACKLOG, 'x'));
      await turns(10);
      const theirs = new Reader(peer);
      relay.fin(toUs);
      await once(ours, 'end');
      relay.stall(toPeer, false);
      return [await theirs.all(), await answer(ours)];
    },
  },
  {
    test: 'test_ssl test_remote_shutdown_receives_trailing_data_on_slow_socket',
    checks: 'The same where the transport takes what it is given late.',
    theirs: 'all data; unwrap() returns',
    ours: `${BACKLOG} bytes; 1`,
    run: async (place) => {
      const { ours, peer, transport: slow } = await meetOver(place, (socket) => new HeldTransport(socket));
      ours.resume();
      const theirs = new Reader(peer);
      slow.held = true;
      ours.write(Buffer.alloc(BACKLOG, 'x'));
      peer.end();
      await once(ours, 'end');
      const value = answer(ours);
      slow.held = false;
      return [await theirs.all(), await value];
    },
  },
  {
    test: 'test_ssl test_create_server_ssl_over_ssl',
    checks: 'TLS in TLS, both ended: the inner one first.',
    theirs: 'all data; both transports are closed',
    ours: "'inner'; unwrap gives the outer one; 1",
    run: async (place) => {
      const { ours: outer, peer: tunnel } = await meet(place);
      const [inner, far] = [wrapAs(place.side, outer, place.version), wrapAs(other(place.side), tunnel, place.version)];
      await handshakes(inner, far);
      await turns();
      far.write('inner');
      const data = String(await readBytes(inner, 5));
      const [back] = await Promise.all([unwrap(inner), unwrap(far)]);
      tunnel.resume().once('end', () => tunnel.end());
      return [`'${data}'`, `unwrap gives ${back === outer ? 'the outer one' : 'another'}`, await answer(outer, BOTH)];
    },
  },
  {
    test: 'test_ssl test_shutdown_timeout_handler_leak',
    checks: 'Nothing waits any more behind a close that the peer has answered by ending TCP.',
    theirs: 'the context is freed',
    ours: '-1 TRUNCATED; no timer; closed',
    run: async (place) => {
      const { ours, relay, toUs, toPeer } = await meet(place);
      ours.resume();
      const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const waiting = answer(ours, BOTH);
      await relay.until(() => relay.fins.includes(toPeer));
      relay.fin(toUs);
      const value = await waiting;
      const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length - before;
      return [value, timers === 0 ? 'no timer' : `${timers} timers`, await closing(ours)];
    },
  },
  {
    test: 'test_ssl test_shutdown_timeout_handler_not_set',
    checks: 'Data and a bare FIN come while we read nothing; then we read on.',
    theirs: "b'extra bytes'; connection_lost(None)",
    ours: "'extra bytes'; fin; -1 TRUNCATED",
    why: 'A cut is not told from an end in asyncio.',
    run: async (place) => {
      const { ours, peer, relay, toUs } = await meet(place);
      ours.pause();
      peer.write('extra bytes');
      while (ours.readableLength === 0) await turns(1);
      relay.fin(toUs);
      await turns(4);
      const reader = new Reader(ours);
      ours.resume();
      return [await reader.all(), received(ours), await answer(ours)];
    },
  },
];
