/**
 * node-postgres: a pool of PostgreSQL connections, drained while a query runs. `pool.end()` says Terminate on each connection once its query is answered, and ends
 * it; `drainSockets` waits for the server's own close_notify, and tells how each of them ended.
 *
 *   PORT=5432 CA_FILE=ca.pem node pg.js
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import pg from 'pg';
import { drainSockets, type DrainReport } from 'tls-graceful-shutdown';

const pool = new pg.Pool({ host: 'localhost', port: Number(process.env['PORT']), user: 'postgres', ssl: { ca: readFileSync(process.env['CA_FILE']!) } });

const sockets = new Set<TLSSocket>();
pool.on('connect', (client) => {
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection; // its types don't have it
  sockets.add(stream);
  stream.once('close', () => sockets.delete(stream));
});

/** When no query waits for a connection any more, since `pool.end()` forgets those: behind the drain of the server that asks, say. */
async function drainPool(): Promise<DrainReport> {
  const ended = pool.end();
  const report = await drainSockets(sockets, { finish: async (socket) => void (await once(socket, 'end')) });
  await ended;
  return report;
}

await Promise.all([pool.query('select 1'), pool.query('select 2')]); // two connections
const inFlight = pool.query<{ answer: string }>("select pg_sleep(0.3), 'answered' as answer");
await setImmediate(); // it has its connection now
const report = await drainPool();
const [row] = (await inFlight).rows;

console.log(`the query in flight was ${row?.answer}; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([row?.answer, report.total, report.complete], ['answered', 2, 2]);
