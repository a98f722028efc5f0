/** An `AbortSignal` ends the waiting, not the shutdown: what was started goes on, and a later call joins it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';

const identity = await certificate();
const server = tls.createServer({ ...identity, allowHalfOpen: true });
const port = await listen(server);
const client = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: identity.cert });
const [[peer]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')])) as [[TLSSocket], unknown];
const peerSawAlert = once(peer.resume(), 'end');

// Aborted before the call: nothing is sent.
await assert.rejects(gracefulShutdown(client, { signal: AbortSignal.abort() }), { name: 'AbortError', code: 'ABORT_ERR' });
assert.equal(getShutdown(client).sent, 'open');
console.log('aborted before the call: the socket is untouched');

// Aborted while it waits for the peer: our alert is out, and stays out.
const operator = new AbortController();
const closing = gracefulShutdown(client.resume(), { bidirectional: true, timeout: Infinity, signal: operator.signal });
await peerSawAlert;
operator.abort(new Error('the operator is impatient'));
await assert.rejects(closing, (error: Error) => {
  console.log(`aborted while it waits: ${error.name}, cause: ${(error.cause as Error).message}`);
  return error.name === 'AbortError' && error.cause === operator.signal.reason;
});
assert.deepEqual(getShutdown(client), { sent: 'close_notify', received: 'open' });

// A later call goes on from there.
peer.end();
const value = await gracefulShutdown(client);
console.log(`called again: ${value}`);
assert.equal(value, 1);
server.close();
