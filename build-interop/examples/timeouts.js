/**
 * A time-out is no end: the socket is as it was, and a later call goes on from there. Shown twice: with a peer that takes its time, and with
 * unread data that holds the peer's alert back.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import tls, {} from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';
const identity = await certificate();
const server = tls.createServer({ ...identity, allowHalfOpen: true });
const port = await listen(server);
async function connect() {
    const client = watch(tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: identity.cert }));
    const [[peer]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]));
    return { client, peer };
}
{
    const { client, peer } = await connect();
    const ended = once(peer.resume(), 'end');
    const first = await shutdown(client, { bidirectional: true, timeout: 50 });
    console.log(`a slow peer: ${first.value}, ${first.error?.code}, ${first.error?.sslError}`);
    assert.equal(first.error?.sslError, 'SSL_ERROR_WANT_READ');
    assert.deepEqual(getShutdown(client), { sent: 'close_notify', received: 'open' });
    await ended; // our alert is with the peer since long
    peer.end();
    const value = await gracefulShutdown(client.resume());
    console.log(`called again: ${value}`);
    assert.equal(value, 1);
}
{
    const { client, peer } = await connect();
    peer.resume().end(Buffer.alloc(1_000_000)); // nobody reads this, so Node stops reading long before the alert behind it
    const first = await shutdown(client, { bidirectional: true, timeout: 50 });
    console.log(`unread data: ${first.value}, ${first.error?.code}, ${first.unreadBytes > 0 ? 'bytes are unread' : 'nothing is unread'}`);
    assert.equal(first.error?.code, 'ERR_TLS_SHUTDOWN_TIMEOUT');
    assert.ok(first.unreadBytes > 0);
    const value = await gracefulShutdown(client, { unread: 'discard' });
    console.log(`discarding it: ${value}`);
    assert.equal(value, 1);
}
server.close();
