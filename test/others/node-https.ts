/** Node's own tests of HTTPS: how its servers close, and how a response ends with its connection. */
import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import tls, { type TLSSocket } from 'node:tls';
import { watch } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { certificate, listen, track, turns } from '../support/pair.js';
import type { Place, Row } from './row.js';
import { Reader, answer, received } from './scene.js';
import { reportOf, serveHttps } from './servers.js';

/** A server that answers without a length; an HTTPS client that is watched. */
async function eofForEom({ version }: Place): Promise<string[]> {
  const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true }, (socket) => {
    track(socket).on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world\n', () => socket.end('hello world\n'));
    });
  });
  const request = https.get({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false, agent: false });
  const [socket] = (await once(request, 'socket')) as [TLSSocket];
  watch(socket);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const reader = new Reader(response);
  const text = await reader.all();
  if (!socket.closed) await once(socket, 'close');
  return [JSON.stringify(text.slice(1, -1)).slice(1, -1), response.complete ? 'complete' : 'not complete', await answer(socket)];
}

/** One client has an answer and waits; the other has sent half of a request. */
async function idleAndBusy(place: Place): Promise<{ idle: Client; busy: Client; drains: Awaited<ReturnType<typeof serveHttps>>['drains'] }> {
  const { server, drains, port } = await serveHttps(place, (_request, response) => response.end('ok'));
  Object.assign(server, { headersTimeout: 0, requestTimeout: 0 });
  const busy = await Client.connect(port);
  busy.write('GET / HTTP/1.1');
  const idle = await Client.connect(port);
  await idle.write(get()).until(/ok/);
  return { idle, busy, drains };
}

export const NODE_HTTPS: readonly Row[] = [
  {
    test: 'test-https-close',
    checks: 'The server is closed and its connections are destroyed while an answer is streamed: its close() is called back.',
    theirs: 'the callback of close()',
    ours: '1 forced; the callback of close()',
    sides: ['server'],
    run: async (place) => {
      const { server, drains, port } = await serveHttps(place, (_request, response) => void response.write('data'));
      const client = await Client.connect(port);
      await client.write(get()).until(/data/);
      const drained = drains.drain({ force: AbortSignal.abort() });
      await new Promise((resolve) => server.close(resolve));
      return [await reportOf(drained), 'the callback of close()'];
    },
  },
  {
    test: 'test-https-eof-for-eom',
    checks: 'A response that ends with its connection.',
    theirs: "the whole body, 'end'",
    ours: 'hello world\\nhello world\\n; complete; 1',
    sides: ['client'],
    run: eofForEom,
  },
  {
    test: 'test-https-truncate',
    checks: 'The server is closed behind 32 kB that the client reads slowly: the last byte arrives.',
    theirs: 'all bytes',
    ours: '32769 bytes; 1 complete',
    sides: ['server'],
    run: async (place) => {
      const body = Buffer.alloc(32 * 1024 + 1);
      const { drains, port } = await serveHttps(place, (_request, response) => {
        response.setHeader('content-length', body.length);
        response.end(body);
      });
      const client = await Client.connect(port);
      let bytes = 0;
      client.socket.on('data', (chunk: string) => {
        bytes += chunk.length;
        client.socket.pause();
        setImmediate(() => client.socket.resume());
      });
      client.write(get());
      await client.until(/\r\n\r\n/);
      const drained = reportOf(drains.drain());
      await client.ended;
      return [`${bytes - client.text.indexOf('\r\n\r\n') - 4} bytes`, await drained];
    },
  },
  {
    test: 'test-https-server-close-idle',
    checks: 'A server that closes: an idle connection ends, and one in the middle of a request goes on.',
    theirs: 'the idle one is closed, the other is not; later closeAllConnections() closes it',
    ours: 'the idle one: close_notify; the other: open; 1 complete, 1 forced',
    sides: ['server'],
    run: async (place) => {
      const { idle, busy, drains } = await idleAndBusy(place);
      const force = new AbortController();
      const drained = reportOf(drains.drain({ force: force.signal }));
      await idle.ended;
      while (drains.connections > 1) await turns(1);
      const states = [`the idle one: ${idle.received}`, `the other: ${received(busy.socket)}`];
      force.abort();
      return [...states, await drained];
    },
  },
  {
    test: 'test-https-server-close-all',
    checks: 'All connections are closed at once, idle or not.',
    theirs: 'both are closed',
    ours: 'closed, closed; none is left',
    sides: ['server'],
    run: async (place) => {
      const { idle, busy, drains } = await idleAndBusy(place);
      await drains.drain({ force: AbortSignal.abort() });
      await Promise.all([idle.ended, busy.ended]);
      return ['closed, closed', drains.connections === 0 ? 'none is left' : `${drains.connections} are left`];
    },
  },
  {
    test: 'test-https-server-async-dispose',
    checks: 'Disposal closes the server.',
    theirs: "'close'",
    ours: "'close'; the idle one: close_notify",
    sides: ['server'],
    run: async (place) => {
      const { server, drains, port } = await serveHttps(place, (_request, response) => response.end('ok'));
      const client = await Client.connect(port);
      await client.write(get()).until(/ok/);
      const closed = once(server, 'close');
      await drains[Symbol.asyncDispose]();
      await closed;
      await client.ended;
      return ["'close'", `the idle one: ${client.received}`];
    },
  },
  {
    test: 'sequential/test-https-server-keep-alive-timeout',
    checks: 'A keep-alive connection that has been idle for its time-out is closed.',
    theirs: 'destroyed',
    ours: 'close_notify',
    why: 'Node destroys it. A drainable server ends it, so that its client sees no cut.',
    sides: ['server'],
    run: async (place) => {
      const { server, port } = await serveHttps(place, (_request, response) => response.end('ok'));
      Object.assign(server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 1 });
      const client = await Client.connect(port);
      await client.write(get()).until(/ok/);
      await client.ended;
      return [client.received];
    },
  },
];
