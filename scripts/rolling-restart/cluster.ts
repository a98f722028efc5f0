/**
 * The servers of the rolling restart test: two workers, in each an HTTPS server and an HTTP/2 one that speaks HTTP/1 too. A restart starts a
 * new worker for each, waits until it listens, and has the old one end by the way that is tested.
 *
 *   node build/scripts/rolling-restart/cluster.js WAY
 *
 * With an IPC channel: tells its ports, restarts at each 'restart', and ends at 'stop' or when the channel does.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { type Http2SecureServer } from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DrainReport } from 'tls-graceful-shutdown';
import type { Ports } from './client.js';
import { bodyOf } from './shared.js';
import { WAYS, type WayName } from './ways.js';

const WORKERS = 2;

const way = process.argv[2] as WayName;

async function primary(): Promise<void> {
  const start = async (): Promise<{ worker: Worker; ports: Ports }> => {
    const started = cluster.fork();
    const [ports] = (await once(started, 'message')) as [Ports];
    return { worker: started, ports };
  };
  const first = await Promise.all(Array.from({ length: WORKERS }, start));
  let workers = first.map(({ worker }) => worker);
  process.send!({ ports: first[0]!.ports });
  process.on('message', (message: unknown) => (message === 'restart' ? void restart() : process.disconnect()));
  process.once('disconnect', () => {
    for (const { process: child } of Object.values(cluster.workers!) as Worker[]) child.kill('SIGKILL');
  });

  async function restart(): Promise<void> {
    const reports: DrainReport[] = [];
    const next: Worker[] = [];
    for (const old of workers) {
      next.push((await start()).worker);
      old.on('message', (report: DrainReport) => reports.push(report));
      old.process.kill('SIGTERM');
      await once(old, 'exit');
    }
    workers = next;
    process.send!({ reports });
  }
}

async function worker(): Promise<void> {
  const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url));
  const identity = { key: fixture('localhost.key.pem'), cert: fixture('localhost.cert.pem') };
  // Longer than the test: a connection that times out while its client sends the next request is another story.
  const http1Server = https.createServer({ ...identity, keepAliveTimeout: 600_000 }, answer);
  const http2Server = http2.createSecureServer({ ...identity, allowHTTP1: true }, answer);
  Object.assign(http2Server, { keepAliveTimeout: 600_000 });
  WAYS[way]([http1Server, http2Server]);
  const listen = async (server: https.Server | Http2SecureServer): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const ports: Ports = { http1: await listen(http1Server), http2: await listen(http2Server) };
  process.send!(ports);
}

/** After 0 to 20 ms, so that there are always some in work. */
function answer(request: IncomingMessage | http2.Http2ServerRequest, response: ServerResponse | http2.Http2ServerResponse): void {
  (request as IncomingMessage).resume().once('end', () => {
    setTimeout(() => (response as ServerResponse).end(bodyOf(request.url!)), Math.random() * 20);
  });
}

if (cluster.isPrimary) await primary();
else await worker();
