/**
 * node-redis: a connection to Redis, drained while it waits for a job. Its own `close()` drops the socket without close_notify. QUIT is answered behind what was
 * asked before; then Redis sends its own close_notify. `reconnectStrategy` keeps the client from connecting again.
 *
 *   PORT=6379 CA_FILE=ca.pem node redis.js
 */
import { clientSockets } from './client-sockets.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { createClient } from 'redis';
import { drainSockets, type DrainReport } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const address = { host: 'localhost', port: Number(process.env['PORT']), tls: true, ca: readFileSync(process.env['CA_FILE']!) } as const;

let draining = false;
const reconnectStrategy = (retries: number): number | false => (draining ? false : Math.min(50 * retries, 2000));
const client = createClient({ socket: { ...address, reconnectStrategy } });
client.on('error', (error: Error) => {
  if (!draining) console.error(error); // in a drain: that Redis has closed, as it was asked to
});
await client.connect();

async function drainRedis(): Promise<DrainReport> {
  draining = true;
  const sockets = [...clientSockets].filter((socket) => socket.remotePort === address.port); // not those to PostgreSQL, say
  return drainSockets(sockets, { finish: async () => void (await client.sendCommand(['QUIT'])) });
}

// Another connection of the program, which must stay open.
const identity = await certificate();
const elsewhere = tls.createServer(identity);
const other = tls.connect({ host: '127.0.0.1', port: await listen(elsewhere), servername: 'localhost', ca: identity.cert });
await once(other, 'secureConnect');

const job = client.blPop('jobs', 0.3);
const report = await drainRedis();
const element = await job; // rejects if its answer is lost

console.log(`the job in flight was ${element}; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([element, report.total, report.complete], [null, 1, 1]);
assert.ok(clientSockets.has(other) && other.writable);
other.destroy();
elsewhere.close();
