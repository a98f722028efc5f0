/**
 * mysql2: a pool of MariaDB or MySQL connections, drained while a query runs. `pool.end()` says COM_QUIT on each connection behind its query. MariaDB ends
 * without a close_notify, so each counts as `oneWay`: nothing of ours is lost.
 *
 *   PORT=3306 CA_FILE=ca.pem node mysql2.js
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { drainSockets, type DrainReport } from 'tls-graceful-shutdown';

const pool = mysql.createPool({ host: 'localhost', port: Number(process.env['PORT']), user: 'root', ssl: { ca: readFileSync(process.env['CA_FILE']!, 'utf8') } });

const sockets = new Set<TLSSocket>();
pool.pool.on('connection', (connection) => {
  const { stream } = connection as unknown as { stream: TLSSocket }; // its types don't have it
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
const inFlight = pool.query<RowDataPacket[]>("select sleep(0.3), 'answered' as answer");
await setImmediate(); // it has its connection now
const report = await drainPool();
const [[row]] = await inFlight;

console.log(`the query in flight was ${row?.['answer']}; ${report.total} connections, ${report.oneWay} one way`);
assert.deepEqual([row?.['answer'], report.total, report.oneWay], ['answered', 2, 2]);
