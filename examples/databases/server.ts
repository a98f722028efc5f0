/**
 * A server that asks PostgreSQL and Redis, told to end in the middle of a request: first the server drains, then both pools, side by side. The process ends by itself.
 *
 *   PG_PORT=5432 REDIS_PORT=6379 CA_FILE=ca.pem node server.js
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { Redis } from 'ioredis';
import pg from 'pg';
import { drainOnSignal, drainSockets, drainable, type DrainReport } from 'tls-graceful-shutdown';
import { listen } from '../support/local.js';

const ca = readFileSync(process.env['CA_FILE']!);
const pool = new pg.Pool({ host: 'localhost', port: Number(process.env['PG_PORT']), user: 'postgres', ssl: { ca } });
const redis = new Redis({ host: 'localhost', port: Number(process.env['REDIS_PORT']), tls: { ca } });

const sockets = new Set<TLSSocket>();
pool.on('connect', (client) => {
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection;
  sockets.add(stream);
  stream.once('close', () => sockets.delete(stream));
});

async function drainPool(): Promise<DrainReport> {
  const ended = pool.end();
  const report = await drainSockets(sockets, { finish: async (socket) => void (await once(socket, 'end')) });
  await ended;
  return report;
}

async function drainRedis(): Promise<DrainReport> {
  return drainSockets([redis.stream], { finish: async () => void (await redis.quit()) });
}

const server = http.createServer(async (_request, response) => {
  await redis.incr('requests');
  const { rows } = await pool.query<{ answer: string }>("select pg_sleep(0.3), 'answered' as answer");
  response.end(rows[0]?.answer);
});
const reports: DrainReport[] = [];
drainOnSignal(drainable(server), {
  onDrained: async (report) => {
    reports.push(report, ...(await Promise.all([drainPool(), drainRedis()])));
  },
});

const request = http.get({ port: await listen(server), host: '127.0.0.1' });
await once(server, 'request'); // it is in work
process.kill(process.pid, 'SIGTERM');
const [response] = (await once(request, 'response')) as [IncomingMessage];
const answer = await text(response);

process.once('exit', () => {
  const ends = reports.map(({ total, complete }) => `${complete} of ${total}`);
  console.log(`the request in work was ${answer}; complete: ${ends.join(', ')}`);
  assert.deepEqual([answer, ends], ['answered', ['1 of 1', '1 of 1', '1 of 1']]);
});
