/**
 * Upgraded connections, WebSockets here, end in their own protocol first: `finish` sends a close frame with 1001 ("going away") and waits for the
 * client's, then TLS says close_notify.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { drainable, getShutdown, watch } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 0x88;
const GOING_AWAY = Buffer.from([CLOSE, 2, 1001 >> 8, 1001 & 0xff]);
const MASKED_CLOSE = Buffer.from([CLOSE, 0x82, 0, 0, 0, 0, 1001 >> 8, 1001 & 0xff]); // a client's frames are masked

const identity = await certificate();
const server = https.createServer(identity);
server.on('upgrade', (request, socket: Duplex) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on('error', () => {}).resume();
});

const draining = drainable(server, {
  finish: async (socket) => {
    socket.write(GOING_AWAY);
    // With the ws package: look up the WebSocket of this socket, call its close(1001), and wait for its 'close'.
    for (;;) {
      const [frame] = (await once(socket, 'data')) as [Buffer];
      if (frame[0] === CLOSE) return;
    }
  },
});
const port = await listen(server);

/** A client that answers a close frame by its own. */
async function open(): Promise<TLSSocket> {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==', 'sec-websocket-version': '13' };
  const request = https.get({ host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert, headers, agent: false });
  request.on('socket', (socket: TLSSocket) => watch(socket));
  const [, socket] = (await once(request, 'upgrade')) as [unknown, TLSSocket];
  socket.on('data', (frame: Buffer) => {
    assert.deepEqual(frame, GOING_AWAY);
    socket.write(MASKED_CLOSE);
  });
  return socket;
}

const clients = await Promise.all([open(), open()]);
const closed = clients.map((client) => once(client, 'close'));
const report = await draining.drain({ grace: 5000 });
await Promise.all(closed);
console.log(`${report.total} WebSockets, ${report.complete} complete; the clients saw ${clients.map((client) => getShutdown(client).received).join(', ')}`);
assert.deepEqual([report.total, report.complete], [2, 2]);
