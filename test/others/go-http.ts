/** Go: net/http and httptest, where a close of TLS or of a server is what they check. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { shutdown, watch } from '../../src/index.js';
import { Client, get, post } from '../support/clients.js';
import { Later, onUpgrade, start } from '../support/origins.js';
import { certificate, listen, track } from '../support/pair.js';
import type { Row } from './row.js';
import { BOTH, Reader, answer } from './scene.js';
import { reportOf, serveHttps } from './servers.js';

const statusOf = ({ text }: Client): string => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'no answer';

export const GO_HTTP: readonly Row[] = [
  {
    test: 'net/http TestTLSServerClosesConnection',
    checks: 'The server ends TLS behind an answer that allows keep-alive: the client takes another connection for its next request.',
    theirs: "'foo'; at least one of 20 second requests succeeds",
    ours: "'foo'; 20 of 20; each connection 1",
    sides: ['client'],
    run: async ({ version }) => {
      const server = https.createServer({ ...certificate, minVersion: version, maxVersion: version }, (request, response) => {
        if (request.url !== '/die') return void response.end('hello');
        request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfoo');
        void shutdown(request.socket as never, BOTH);
      });
      const port = await listen(server);
      const agent = track(new https.Agent({ keepAlive: true }));
      let good = 0;
      const values = new Set<string>();
      const ask = async (path: string): Promise<string> => {
        const request = https.get({ port, host: '127.0.0.1', path, agent, rejectUnauthorized: false });
        request.once('socket', (socket) => void watch(socket as never));
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        const { socket } = response;
        const reader = new Reader(response);
        const text = await reader.all();
        if (path === '/die') {
          if (!socket.closed) await once(socket, 'close');
          values.add(await answer(socket as never));
        }
        return text;
      };
      const texts = new Set<string>();
      for (let i = 0; i < 20; i++) {
        texts.add(await ask('/die'));
        if ((await ask('/')) === "'hello'") good++;
      }
      return [[...texts].join(), `${good} of 20`, `each connection ${[...values].join()}`];
    },
  },
  {
    test: 'net/http TestServerGracefulClose',
    checks: 'An answer to a client that is still uploading 5 MB, on a connection that is then closed: it arrives whole.',
    theirs: '401, then the end',
    ours: '401, whole; 1 complete',
    sides: ['server'],
    run: async (place) => {
      const later = new Later();
      const { drains, port } = await serveHttps(place, (_request, response) => {
        response.writeHead(401, { 'content-length': 3 });
        later.add(() => response.end('bye'));
      });
      const client = await Client.connect(port);
      client.write(post('/', 5 << 20)).write(Buffer.alloc(5 << 20, 'x'));
      await later.reaches(1);
      const drained = reportOf(drains.drain());
      later.run();
      await client.ended;
      return [`${statusOf(client)}, ${client.text.endsWith('bye') ? 'whole' : 'cut'}`, await drained];
    },
  },
  {
    test: 'net/http TestServerShutdown_h1',
    checks: 'A shutdown while a request is answered: the answer arrives, and the next request finds no server.',
    theirs: 'nil; the second request fails',
    ours: '200, whole; 1 complete; ECONNREFUSED',
    sides: ['server'],
    run: async (place) => {
      const later = new Later();
      const { drains, port } = await serveHttps(place, (_request, response) => later.add(() => response.end('the answer')));
      const client = await Client.connect(port);
      client.write(get());
      await later.reaches(1);
      const drained = reportOf(drains.drain());
      later.run();
      await client.ended;
      const report = await drained;
      const second = https.get({ port, host: '127.0.0.1' });
      const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
      return [`${statusOf(client)}, ${client.text.includes('the answer') ? 'whole' : 'cut'}`, report, error.code!];
    },
  },
  {
    test: 'net/http TestServerShutdown_h2',
    checks: 'The same with HTTP/2.',
    theirs: 'nil; the second request fails',
    ours: "'the answer'; 1 oneWay; a second request fails",
    why: "Node's own HTTP/2 client ends TCP without an alert.",
    sides: ['server'],
    run: async ({ version }) => {
      const later = new Later();
      const server = http2.createSecureServer({ ...certificate, minVersion: version, maxVersion: version }, (_request, response) => later.add(() => response.end('the answer')));
      const { drains, port } = await start(server as never);
      const client = track(http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }));
      const reader = new Reader(client.request());
      await later.reaches(1);
      const drained = reportOf(drains.drain());
      later.run();
      const text = await reader.all();
      const report = await drained;
      const second = await once(http2.connect(`https://127.0.0.1:${port}`), 'error');
      return [text, report, second.length === 1 ? 'a second request fails' : ''];
    },
  },
  {
    test: 'net/http TestServerShutdownStateNew',
    checks: 'A connection that has never sent a byte does not hold a shutdown up for ever.',
    theirs: 'nil after 5 s; the connection is closed',
    ours: '1 failed: IN_HANDSHAKE; the connection is closed',
    sides: ['server'],
    run: async (place) => {
      const { server, drains, port } = await serveHttps(place, () => {});
      const client = new Client(port);
      await once(server, 'connection');
      const ended = new Promise((resolve) => void client.raw.once('end', resolve).once('close', resolve).resume());
      const { failed, errors } = await drains.drain({ timeout: 20 });
      await ended;
      return [`${failed} failed: ${Object.keys(errors).join().replace('ERR_TLS_SHUTDOWN_', '')}`, 'the connection is closed'];
    },
  },
  {
    test: 'net/http TestServerCloseDeadlock',
    checks: 'Two closes of a server.',
    theirs: 'no deadlock',
    ours: '1 complete; the same report',
    sides: ['server'],
    run: async (place) => {
      const { drains, port } = await serveHttps(place, (_request, response) => response.end('ok'));
      const client = await Client.connect(port);
      await client.write(get()).until(/ok/);
      const both = [drains.drain(), drains.drain()] as const;
      const [first, second] = await Promise.all(both);
      return [await reportOf(both[0]), first === second || JSON.stringify(first) === JSON.stringify(second) ? 'the same report' : 'another'];
    },
  },
  {
    test: 'httptest TestCloseHijackedConnection',
    checks: 'A connection that the application has taken over, while the server is closed.',
    theirs: 'no deadlock',
    ours: '1 complete',
    sides: ['server'],
    run: async (place) => {
      const { server, drains, port } = await serveHttps(place, () => {});
      server.on('upgrade', onUpgrade);
      const client = await Client.connect(port);
      await client.write(get('/', 'connection: upgrade\r\nupgrade: other\r\n')).until(/101/);
      return [await reportOf(drains.drain())];
    },
  },
];
