/** A test that one's own server closes TLS cleanly: when it is asked to, behind a client that has closed its side, and when a connection is idle. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { drainable } from 'tls-graceful-shutdown';
import { probe } from 'tls-graceful-shutdown/probe';
import { certificate } from './support/local.js';

const identity = await certificate();
const server = https.createServer({ ...identity, keepAliveTimeout: 300 }, (_request, response) => response.end('hello\n'));
const draining = drainable(server); // without it, the idle connection would be ended by a bare FIN

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => draining.drain());

test('the server closes cleanly', async () => {
  const { port } = server.address() as AddressInfo;
  const report = await probe({ host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert, idle: 5000 });
  assert.equal(report.verdict, 'clean', JSON.stringify(report, null, 2));
});
