/**
 * ioredis: a connection to Redis, drained while it waits for a job. QUIT is answered behind what was asked before; then Redis sends its own close_notify,
 * which it does not without QUIT.
 *
 *   PORT=6379 CA_FILE=ca.pem node ioredis.js
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { drainSockets, type DrainReport } from 'tls-graceful-shutdown';

const options = { host: 'localhost', port: Number(process.env['PORT']), tls: { ca: readFileSync(process.env['CA_FILE']!) } };
const redis = new Redis(options);
const producer = new Redis(options);
await Promise.all([once(redis, 'ready'), once(producer, 'ready')]);

/** `redis.stream` is another one after each reconnect: so it is read when the drain begins. */
async function drainRedis(): Promise<DrainReport> {
  return drainSockets([redis.stream], { finish: async () => void (await redis.quit()) });
}

const job = redis.blpop('jobs', 10);
const drained = drainRedis();
await producer.rpush('jobs', 'mail'); // it comes while the drain runs
const report = await drained;
const [, name] = (await job)!;

console.log(`the job in flight was "${name}"; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([name, report.total, report.complete], ['mail', 1, 1]);
await drainSockets([producer.stream], { finish: async () => void (await producer.quit()) });
