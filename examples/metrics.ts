/**
 * What to show and to record of a drain: a progress line on a terminal (`onProgress`), one count for each shutdown call by the diagnostics
 * channel, and the report as Prometheus text.
 */
import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { drainable, gracefulShutdown, type DrainProgress, type DrainReport, type ShutdownResult } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';

// One message for each finished shutdown call, of a drain or not.
const values = new Map<number, number>();
diagnosticsChannel.subscribe('tls-graceful-shutdown:shutdown', (message) => {
  const { value } = message as ShutdownResult & { socket: TLSSocket };
  values.set(value, (values.get(value) ?? 0) + 1);
});

function showProgress({ total, remaining, complete, oneWay, failed, forced }: DrainProgress): void {
  const line = `draining: ${total - remaining} of ${total} (${complete} complete, ${oneWay} oneWay, ${failed} failed, ${forced} forced)`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}${remaining === 0 ? '\n' : ''}`);
  else if (remaining === 0) console.log(line); // in a log one line is enough
}

/** To the text file collector, or a push gateway: after the drain nobody can scrape the process any more. */
function prometheus(report: DrainReport): string {
  const lines = ['# TYPE tls_drain_connections gauge'];
  for (const outcome of ['complete', 'oneWay', 'failed', 'forced'] as const) lines.push(`tls_drain_connections{outcome="${outcome}"} ${report[outcome]}`);
  lines.push('# TYPE tls_drain_errors gauge');
  for (const [code, count] of Object.entries(report.errors)) lines.push(`tls_drain_errors{code="${code}"} ${count}`);
  lines.push('# TYPE tls_drain_seconds gauge', `tls_drain_seconds ${(report.elapsed / 1000).toFixed(3)}`);
  if (values.size > 0) lines.push('# TYPE tls_shutdowns counter');
  for (const [value, count] of values) lines.push(`tls_shutdowns{value="${value}"} ${count}`);
  return `${lines.join('\n')}\n`;
}

const identity = await certificate();
const server = tls.createServer(identity, (socket) => socket.on('error', () => {}).resume());
const draining = drainable(server, { grace: 500, onProgress: showProgress });
const port = await listen(server);

async function connect(end: (socket: TLSSocket) => unknown): Promise<TLSSocket> {
  const options: tls.ConnectionOptions & { allowHalfOpen: boolean } = { host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert, allowHalfOpen: true };
  const socket = tls.connect(options);
  socket.on('error', () => {}).once('end', () => end(socket)).resume();
  await Promise.all([once(socket, 'secureConnect'), once(server, 'secureConnection')]);
  return socket;
}

const clients: TLSSocket[] = [];
for (let i = 0; i < 20; i++) clients.push(await connect((socket) => socket.end()));
for (let i = 0; i < 5; i++) clients.push(await connect((socket) => void gracefulShutdown(socket, { quiet: true }))); // a bare FIN, as nginx and browsers send
clients.push(await connect(() => {})); // never answers

const report = await draining.drain();
console.log(prometheus(report));
const { total, complete, oneWay, failed, forced } = report;
assert.deepEqual({ total, complete, oneWay, failed, forced }, { total: 26, complete: 20, oneWay: 5, failed: 0, forced: 1 });
for (const client of clients) client.destroy();
