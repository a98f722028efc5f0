/**
 * An Express application in Kubernetes, behind an ingress that ends TLS; the manifest is beside it. At the end of a pod two things begin at once: it is taken off
 * its Service, and it is told to end. So /ready turns to 503 with the drain. Then this file plays the kubelet: it probes, sends SIGTERM, and checks what it sees.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import express from 'express';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';

const { PORT = '0', PROBE_PORT = '0' } = process.env; // 0: any that is free
const app = express();
app.get('/', (_request, response) => void setTimeout(() => response.send('hello'), 300));

const server = http.createServer(app); // the ingress ends TLS; without one: https.createServer({ key, cert }, app)
const draining = drainable(server, { grace: 20_000 }); // preStop 5 s + grace 20 s + 5 s of air = 30 s

const probes = http.createServer((request, response) => {
  const ready = request.url !== '/ready' || !draining.draining; // /alive stays 200 in the drain
  response.writeHead(ready ? 200 : 503, { connection: 'close' }).end();
});

drainOnSignal(draining, {
  onDrained: ({ total, failed, forced }) => {
    console.log(`${total} connections, ${failed} failed, ${forced} cut off`);
    probes.close(); // it keeps the process alive
  },
});
server.listen(PORT);
probes.listen(PROBE_PORT);

await Promise.all([server, probes].map((one) => one.listening || once(one, 'listening')));
const ask = (to: Server, path: string): http.ClientRequest => http.get({ port: (to.address() as AddressInfo).port, path, agent: false });
const answered = async (request: http.ClientRequest): Promise<http.IncomingMessage> => ((await once(request, 'response')) as [http.IncomingMessage])[0].resume();
const probe = async (path: string): Promise<number | undefined> => (await answered(ask(probes, path))).statusCode;

assert.deepEqual([await probe('/ready'), await probe('/alive')], [200, 200]);
const slow = answered(ask(server, '/'));
await once(server, 'request'); // it is in work
process.kill(process.pid, 'SIGTERM');
await once(draining.signal, 'abort');
assert.deepEqual([await probe('/ready'), await probe('/alive')], [503, 200]);
const { statusCode, headers } = await slow;
assert.deepEqual([statusCode, headers.connection], [200, 'close']);
const { complete } = await draining.drain(); // joins the one that the signal began
assert.equal(complete, 1); // the process ends now, or the example takes too long

const manifest = readFileSync(new URL('../../deployment.yaml', import.meta.url), 'utf8');
const seconds = (field: string): number => Number(new RegExp(`${field}: *(\\d+)`).exec(manifest)![1]);
assert.ok(seconds('seconds') + 20 < seconds('terminationGracePeriodSeconds'));
