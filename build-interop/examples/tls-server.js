/** A TLS server that answers one line, closes the connection in both directions, and logs how each peer closed its side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import readline from 'node:readline';
import tls, {} from 'node:tls';
import { gracefulShutdown, shutdown, watch } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';
const identity = await certificate();
const log = [];
const server = watch(tls.createServer(identity, (socket) => void serve(socket)));
async function serve(socket) {
    socket.on('error', (error) => console.error(`connection lost: ${error.message}`));
    const [name] = (await once(readline.createInterface(socket), 'line'));
    socket.write(`hello ${name}\n`);
    const { value, error } = await shutdown(socket, { bidirectional: true, timeout: 200, unread: 'discard' });
    log.push(`${name}: ${value === 1 ? 'closed with close_notify' : error?.code}`);
    if (value !== 1)
        socket.destroy(); // after a -1 the socket is ours to free
}
/** A client that sends its name, reads the answer, and ends as it is told. */
async function visit(name, end) {
    const options = { host: '127.0.0.1', port, servername: 'localhost', ca: identity.cert, allowHalfOpen: true };
    const socket = tls.connect(options);
    await once(socket, 'secureConnect');
    socket.write(`${name}\n`);
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false }))
        answer += chunk;
    assert.equal(answer, `hello ${name}\n`);
    await end(socket);
    return socket;
}
const port = await listen(server);
const visitors = await Promise.all([
    visit('polite', (socket) => gracefulShutdown(socket)),
    visit('abrupt', (socket) => gracefulShutdown(socket, { quiet: true })), // a FIN without close_notify, as many clients do
    visit('silent', () => { }),
]);
server.close();
await once(server, 'close');
for (const socket of visitors)
    socket.destroy(); // the silent one never closes by itself
console.log(log.join('\n'));
assert.deepEqual(log.sort(), ['abrupt: ERR_TLS_SHUTDOWN_TRUNCATED', 'polite: closed with close_notify', 'silent: ERR_TLS_SHUTDOWN_TIMEOUT']);
