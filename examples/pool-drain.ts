/**
 * What a client has open, drained: the pool of an `https.Agent`, a database-like pool that exposes its sockets (`finish` says goodbye in the
 * database's own protocol), and an HTTP/2 session. For undici see undici/pool.ts.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import tls, { type TLSSocket } from 'node:tls';
import { drainAgent, drainSockets, shutdown, watch } from 'tls-graceful-shutdown';
import { certificate, listen, type Certificate } from './support/local.js';

const identity = await certificate();
const trust = { host: '127.0.0.1', servername: 'localhost', ca: identity.cert };

async function agentPool(): Promise<void> {
  const server = https.createServer(identity, (_request, response) => void setTimeout(() => response.end('answer'), 50));
  const port = await listen(server);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 2 });
  const get = async (): Promise<string> => {
    const request = https.get({ ...trust, port, agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of response) body += chunk;
    return body;
  };
  const answers = Promise.all([get(), get(), get(), get()]); // two in work, two in the queue
  await once(server, 'request');
  const report = await drainAgent(agent);
  assert.deepEqual(await answers, Array(4).fill('answer')); // the queue was served first
  console.log(`agent: ${report.total} sockets, ${report.complete} complete`);
  assert.deepEqual([report.total, report.complete], [2, 2]);
  server.close();
}

/** A pool such as database clients have, whose protocol has a message for the end. */
class Pool {
  readonly sockets: TLSSocket[] = [];

  async open(count: number, port: number): Promise<void> {
    for (let i = 0; i < count; i++) this.sockets.push(watch(tls.connect({ ...trust, port })));
    await Promise.all(this.sockets.map((socket) => once(socket, 'secureConnect')));
  }

  /** What it would do by itself: a FIN, and the database logs an unexpected end. */
  end(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

async function databasePool({ key, cert }: Certificate): Promise<void> {
  const heard: string[] = [];
  const database = tls.createServer({ key, cert }, (socket) => {
    socket.on('data', (chunk) => {
      heard.push(String(chunk));
      socket.end(); // as PostgreSQL does: it answers a Terminate with nothing else
    });
  });
  const port = await listen(database);
  const pool = new Pool();
  await pool.open(3, port);
  const report = await drainSockets(pool.sockets, {
    finish: async (socket) => {
      socket.resume().write('terminate\n');
      await once(socket, 'end'); // not 'data', which never comes
    },
  });
  console.log(`database: ${report.total} sockets, ${report.complete} complete, it heard ${JSON.stringify(heard.join(''))}`);
  assert.deepEqual([report.complete, heard.join('')], [3, 'terminate\n'.repeat(3)]);
  database.close();
}

async function http2Session(): Promise<void> {
  const server = http2.createSecureServer(identity, (_request, response) => void setTimeout(() => response.end('answer'), 50));
  const port = await listen(server);
  const socket = watch(tls.connect({ ...trust, port, ALPNProtocols: ['h2'] }));
  await once(socket, 'secureConnect');
  const session = http2.connect('https://localhost', { createConnection: () => socket });
  const stream = session.request({ ':path': '/' }).resume();
  await once(stream, 'response');
  session.close(); // GOAWAY; streams end; then the session ends the socket, by close_notify
  const { value, state, error } = await shutdown(socket, { bidirectional: true });
  // Our alert and all our data are out. Node's own HTTP/2 server answers with a bare FIN: that is -1, and nothing of ours is lost.
  console.log(`HTTP/2: ${value}, ${state.sent}, ${error?.code ?? 'complete'}`);
  assert.deepEqual([value, state.sent, error?.code], [-1, 'close_notify', 'ERR_TLS_SHUTDOWN_TRUNCATED']);
  server.close();
}

await agentPool();
await databasePool(identity);
await http2Session();
