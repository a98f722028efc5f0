/**
 * A server for Kubernetes, with the manifest beside it. At the end of a pod two things happen at the same time: it is taken off the Service, and
 * it is told to end. So the readiness endpoint turns to 503 with the drain, and connections that still come meanwhile are served (preStop, see the
 * manifest). Run alone, this file plays the kubelet: it starts itself, probes, sends SIGTERM, and checks what it sees.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { fileURLToPath } from 'node:url';
import { drainOnSignal, drainable, type DrainReport } from 'tls-graceful-shutdown';
import { certificate, listen, type Certificate } from '../support/local.js';

// Below terminationGracePeriodSeconds of the manifest, with preStop and some air: 5 s + 20 s + 5 s = 30 s.
const GRACE = 20_000;
/** What clients and load balancers are given to send a request that was on its way. */
const IDLE_GRACE = 500;

async function serve(): Promise<void> {
  const [identity] = (await once(process, 'message')) as [Certificate];
  const server = https.createServer(identity, (request, response) => {
    const slow = request.url === '/slow';
    setTimeout(() => response.end('done'), slow ? 300 : 0);
  });
  const draining = drainable(server, { grace: GRACE, idleGrace: IDLE_GRACE });

  // A server of its own, so that the kubelet needs no TLS and is answered until the end.
  const probes = http.createServer((request, response) => {
    const ready = request.url !== '/ready' || !draining.draining;
    response.writeHead(ready ? 200 : 503, { connection: 'close' }).end();
  });

  drainOnSignal(draining, {
    onDrained: (report) => {
      probes.close();
      process.send!(report, () => process.disconnect());
    },
  });
  const probePort = await listen(probes);
  process.send!({ port: await listen(server), probePort });
}

async function kubelet(): Promise<void> {
  const identity = await certificate();
  const pod = fork(fileURLToPath(import.meta.url), ['serve']);
  const ended = once(pod, 'exit');
  pod.send(identity);
  const [{ port, probePort }] = (await once(pod, 'message')) as [{ port: number; probePort: number }];
  const probe = async (): Promise<number | undefined> => statusOf(http.get({ host: '127.0.0.1', port: probePort, path: '/ready' }));

  console.log(`before: /ready is ${await probe()}`);
  const slow = https.get({ host: '127.0.0.1', port, path: '/slow', ca: identity.cert, servername: 'localhost', agent: false });
  await once(slow, 'finish');
  const answered = statusOf(slow);
  await new Promise((resolve) => setTimeout(resolve, 100)); // it is in work

  const reported = once(pod, 'message') as Promise<[DrainReport]>;
  pod.kill('SIGTERM');
  let ready = await probe();
  while (ready !== 503) ready = await probe();
  console.log(`in the drain: /ready is ${ready}, and the slow request is answered by ${await answered}`);
  const [report] = await reported;
  console.log(`after: ${report.total} connection, ${report.complete} complete`);
  assert.equal(await answered, 200);
  assert.deepEqual([report.total, report.complete], [1, 1]);
  assert.deepEqual(await ended, [0, null]);

  const manifest = readFileSync(new URL('../../../examples/kubernetes/deployment.yaml', import.meta.url), 'utf8');
  const seconds = (field: string): number => Number(new RegExp(`${field}: *(\\d+)`).exec(manifest)![1]);
  const preStop = seconds('seconds');
  assert.ok(preStop * 1000 + GRACE < seconds('terminationGracePeriodSeconds') * 1000);
}

async function statusOf(request: http.ClientRequest): Promise<number | undefined> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

if (process.argv[2] === 'serve') await serve();
else await kubelet();
