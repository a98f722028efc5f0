/**
 * An HTTPS client that notices a cut body. Where an answer has neither `Content-Length` nor chunks, its end is the end of the connection:
 * to `https` a forged FIN is as good as the server's own end. Whether the body is whole, only the server's close_notify says.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import tls, {} from 'node:tls';
import { getShutdown, watch } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';
const identity = await certificate();
/** Gets a body and says whether it is whole. */
async function get(port) {
    const request = https.get({ port, host: '127.0.0.1', servername: 'localhost', ca: identity.cert, agent: false });
    const [socket] = (await once(request, 'socket'));
    watch(socket); // before the handshake, so that nothing is missed
    const [response] = (await once(request, 'response'));
    let body = '';
    for await (const chunk of response.setEncoding('utf8'))
        body += chunk;
    return { body, whole: getShutdown(socket).received === 'close_notify' }; // the record is there before 'end' is
}
/** Answers every request with a body that has no length, and ends the connection as it is told. */
async function serve(end) {
    const server = tls.createServer(identity, (socket) => {
        socket.on('error', () => socket.destroy());
        socket.resume().write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nBalance: 1000', () => setImmediate(end, socket));
    });
    return { port: await listen(server), server };
}
const honest = await serve((socket) => socket.end(' dollars'));
const cut = await serve((socket) => socket.destroy()); // a bare FIN, as anybody on the path can forge it
const good = await get(honest.port);
const bad = await get(cut.port);
console.log('ended by close_notify:', good);
console.log('cut off:              ', bad);
assert.deepEqual(good, { body: 'Balance: 1000 dollars', whole: true });
assert.deepEqual(bad, { body: 'Balance: 1000', whole: false });
honest.server.close();
cut.server.close();
