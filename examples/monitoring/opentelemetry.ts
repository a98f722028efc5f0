/**
 * OpenTelemetry: how a server's connections ended, while it runs and in its drain. The reader exports once a minute, so what a drain came to is exported before
 * the process ends. A server of a few lines plays the collector here.
 */
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { drainOnSignal, drainable, type ShutdownMessage } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';
import { visit } from '../support/visitor.js';

const exported: string[] = [];
const collector = http.createServer(async (request, response) => {
  exported.push(await text(request));
  response.setHeader('content-type', 'application/json').end('{}');
});
const url = `http://127.0.0.1:${await listen(collector)}/v1/metrics`;

const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url }) });
const provider = new MeterProvider({ readers: [reader] });
metrics.setGlobalMeterProvider(provider);

const meter = metrics.getMeter('my-server');
const shutdowns = meter.createCounter('tls.shutdowns', { description: 'TLS shutdowns that ended' });
subscribe('tls-graceful-shutdown:shutdown', (message) => {
  const { value, error } = message as ShutdownMessage;
  shutdowns.add(1, { value, ...(error && { code: error.code }) });
});

const drained = meter.createCounter('tls.drain.connections', { description: 'Connections of the drain' });
const duration = meter.createHistogram('tls.drain.duration', { unit: 'ms' });

const identity = await certificate();
const server = https.createServer(identity, (_request, response) => response.end('hello'));
drainOnSignal(drainable(server, { idleGrace: 100 }), {
  onDrained: async (report) => {
    for (const outcome of ['complete', 'oneWay', 'failed', 'forced'] as const) drained.add(report[outcome], { outcome });
    duration.record(report.elapsed);
    await provider.shutdown(); // exports what is left
    collector.close();
  },
});

const port = await listen(server);
for (const end of ['close_notify', 'close_notify', 'fin'] as const) await visit(port, identity.cert, end);
process.kill(process.pid, 'SIGTERM');

interface Exported {
  resourceMetrics: { scopeMetrics: { metrics: { name: string; sum?: { dataPoints: { asDouble: number; attributes: { key: string; value: unknown }[] }[] } }[] }[] }[];
}

process.once('exit', () => {
  const { resourceMetrics } = JSON.parse(exported.at(-1)!) as Exported;
  const lines = resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((scope) =>
      scope.metrics.flatMap(({ name, sum }) =>
        (sum?.dataPoints ?? []).map(({ asDouble, attributes }) => `${name} ${attributes.map(({ key, value }) => `${key}=${Object.values(value as object).join()}`).join(' ')}: ${asDouble}`),
      ),
    ),
  );
  console.log(lines.join('\n'));
  for (const line of ['tls.shutdowns value=1: 2', 'tls.drain.connections outcome=complete: 2', 'tls.drain.connections outcome=oneWay: 1']) assert.ok(lines.includes(line), line);
});
