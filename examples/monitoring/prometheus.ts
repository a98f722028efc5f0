/**
 * Prometheus: how a server's connections ended, while it runs and in its drain. Behind a drain nobody can scrape the process any more. So its last numbers go to a
 * Pushgateway, which a server of a few lines plays here.
 */
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { Counter, Gauge, Pushgateway } from 'prom-client';
import { drainOnSignal, drainable, type ShutdownMessage } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';
import { visit } from '../support/visitor.js';

const pushed: string[] = [];
const paths = new Set<string | undefined>();
const gateway = http.createServer(async (request, response) => {
  paths.add(request.url);
  pushed.push(await text(request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request));
  response.end();
});
const gatewayUrl = `http://127.0.0.1:${await listen(gateway)}`;

const shutdowns = new Counter({ name: 'tls_shutdowns_total', help: 'TLS shutdowns that ended', labelNames: ['value', 'code'] });
subscribe('tls-graceful-shutdown:shutdown', (message) => {
  const { value, error } = message as ShutdownMessage;
  shutdowns.inc({ value, code: error?.code ?? '' });
});

const drained = new Gauge({ name: 'tls_drain_connections', help: 'Connections of the drain', labelNames: ['outcome'] });
const seconds = new Gauge({ name: 'tls_drain_seconds', help: 'How long the drain took' });

const identity = await certificate();
const server = https.createServer(identity, (_request, response) => response.end('hello'));
drainOnSignal(drainable(server, { idleGrace: 100 }), {
  onDrained: async (report) => {
    for (const outcome of ['complete', 'oneWay', 'failed', 'forced'] as const) drained.set({ outcome }, report[outcome]);
    seconds.set(report.elapsed / 1000);
    await new Pushgateway(gatewayUrl).pushAdd({ jobName: 'my-server', groupings: { instance: hostname() } });
    gateway.close();
  },
});

const port = await listen(server);
for (const end of ['close_notify', 'close_notify', 'fin'] as const) await visit(port, identity.cert, end);
process.kill(process.pid, 'SIGTERM');

process.once('exit', () => {
  const lines = pushed.at(-1)!.split('\n').filter((line) => line.startsWith('tls_'));
  console.log(lines.join('\n'));
  for (const line of ['tls_shutdowns_total{value="1",code=""} 2', 'tls_drain_connections{outcome="complete"} 2', 'tls_drain_connections{outcome="oneWay"} 1']) assert.ok(lines.includes(line), line);
  assert.deepEqual([...paths], [`/metrics/job/my-server/instance/${encodeURIComponent(hostname())}`]); // else one process overwrites another
});
