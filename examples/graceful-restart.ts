/**
 * A rolling restart of a cluster under load: each worker drains when it is told to end, its replacement takes the new connections, and no
 * request fails.
 */
import assert from 'node:assert/strict';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { drainOnSignal, drainable, type DrainReport } from 'tls-graceful-shutdown';
import { certificate, listen, type Certificate } from './support/local.js';

const WORKERS = 2;

async function serve(): Promise<void> {
  const identity = JSON.parse(process.env['IDENTITY']!) as Certificate;
  const server = https.createServer(identity, (_request, response) => {
    setTimeout(() => response.end(`worker ${process.pid}`), 5);
  });
  // These lines are all that a worker needs.
  const draining = drainable(server, { idleGrace: 200 });
  drainOnSignal(draining, { onDrained: (report) => void process.send!(report) }); // then the worker ends, since nothing is left in it

  await listen(server);
  process.send!((server.address() as AddressInfo).port);
}

async function start(identity: Certificate): Promise<{ worker: Worker; port: number }> {
  const worker = cluster.fork({ IDENTITY: JSON.stringify(identity) });
  const [port] = (await once(worker, 'message')) as [number];
  return { worker, port };
}

/** The new one first, then the old one's end: there is always somebody who listens. */
async function restart(old: Worker, identity: Certificate): Promise<{ worker: Worker; report: DrainReport }> {
  const { worker } = await start(identity);
  const reported = once(old, 'message') as Promise<[DrainReport]>;
  const ended = once(old, 'exit');
  old.process.kill('SIGTERM');
  const [report] = await reported;
  const [code] = await ended;
  assert.equal(code, 0);
  return { worker, report };
}

async function restartAll(): Promise<void> {
  const identity = await certificate();
  const started = await Promise.all(Array.from({ length: WORKERS }, () => start(identity)));
  const { port } = started[0]!;

  const agent = new https.Agent({ keepAlive: true, ca: identity.cert, servername: 'localhost' });
  const answeredBy = new Map<string, number>();
  let restarting = true;
  const load = Array.from({ length: 8 }, async () => {
    while (restarting) {
      const answer = await get(agent, port); // rejects if it fails
      answeredBy.set(answer, (answeredBy.get(answer) ?? 0) + 1);
    }
  });

  const workers: Worker[] = [];
  for (const { worker: old } of started) {
    const { worker, report } = await restart(old, identity);
    workers.push(worker);
    console.log(`worker ${old.process.pid}: ${report.total} connections, ${report.complete} closed in both directions, ${Math.round(report.elapsed)} ms`);
    assert.equal(report.total, report.complete);
  }
  restarting = false;
  await Promise.all(load);
  agent.destroy();

  console.log(answeredBy);
  assert.ok(answeredBy.size > WORKERS);
  console.log('No request failed.');
  for (const worker of workers) worker.process.kill('SIGTERM');
}

async function get(agent: https.Agent, port: number): Promise<string> {
  const request = https.get({ agent, host: '127.0.0.1', port });
  const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>];
  let body = '';
  for await (const chunk of response) body += chunk;
  return body;
}

if (cluster.isPrimary) await restartAll();
else await serve();
