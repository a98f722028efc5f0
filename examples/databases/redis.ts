/**
 * node-redis: a connection to Redis, drained while it waits for a job. Its own `close()` drops the socket without close_notify. QUIT is answered behind what was
 * asked before; then Redis sends its own close_notify. `reconnectStrategy` keeps the client from connecting again.
 *
 *   PORT=6379 CA_FILE=ca.pem node redis.js
 */
import { clientSockets } from './client-sockets.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { drainSockets } from 'tls-graceful-shutdown';

let draining = false;
const reconnectStrategy = (retries: number): number | false => (draining ? false : Math.min(50 * retries, 2000));
const address = { host: 'localhost', port: Number(process.env['PORT']), tls: true, ca: readFileSync(process.env['CA_FILE']!) } as const;
const client = createClient({ socket: { ...address, reconnectStrategy } });
client.on('error', (error: Error) => {
  if (!draining) console.error(error); // in a drain: that Redis has closed, as it was asked to
});
await client.connect();
const sockets = [...clientSockets];
const producer = await createClient({ socket: address }).connect();

const job = client.blPop('jobs', 10);
draining = true;
const drained = drainSockets(sockets, { finish: async () => void (await client.sendCommand(['QUIT'])) });
await producer.rPush('jobs', 'mail'); // it comes while the drain runs
const report = await drained;
const element = (await job)?.element;

console.log(`the job in flight was "${element}"; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([element, report.total, report.complete], ['mail', 1, 1]);
await producer.close();
