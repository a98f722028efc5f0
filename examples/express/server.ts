/** An Express application that drains when it is told to end: the answer in work is delivered, with `Connection: close`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import express from 'express';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const identity = await certificate();
const app = express();
app.get('/', (_request, response) => {
  setTimeout(() => response.send('hello'), 100);
});

const server = https.createServer(identity, app); // not app.listen(): that is plain HTTP
const draining = drainable(server);
drainOnSignal(draining);
const port = await listen(server);

// A client in the middle of a request when the signal comes.
const drained = once(draining.signal, 'abort').then(() => draining.drain()); // joins the one that the signal begins
const agent = new https.Agent({ keepAlive: true });
const request = https.get({ agent, host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert });
await once(server, 'request');
process.kill(process.pid, 'SIGTERM');
const [response] = (await once(request, 'response')) as [IncomingMessage];
let body = '';
for await (const chunk of response) body += chunk;
const report = await drained;

console.log(`answered "${body}" with Connection: ${response.headers.connection}; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([body, response.headers.connection, report.total, report.complete], ['hello', 'close', 1, 1]);
