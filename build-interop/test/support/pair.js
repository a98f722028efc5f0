/** Two connected TLS sockets, ours and a scripted peer, over a relay that can cut, hold, forge and log what passes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, {} from 'node:net';
import tls, {} from 'node:tls';
import { Relay } from './relay.js';
export const VERSIONS = ['TLSv1.2', 'TLSv1.3'];
export const SIDES = ['client', 'server'];
const fixture = (name) => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url));
export const certificate = { key: fixture('localhost.key.pem'), cert: fixture('localhost.cert.pem') };
const open = new Set();
/** Closed after the test, whatever became of it. */
export function track(resource) {
    open.add(resource);
    return resource;
}
export function closeTracked() {
    for (const resource of open) {
        if ('destroy' in resource)
            resource.destroy();
        else
            resource.close();
    }
    open.clear();
}
export async function listen(server) {
    track(server).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
}
/** Both sides have finished the handshake when it resolves. The peer ignores errors; ours has no listener at all. */
export async function makePair({ version, side, allowHalfOpen = false, client, server: serverOptions, early }) {
    const versions = { minVersion: version, maxVersion: version };
    const server = tls.createServer({ ...certificate, ...versions, allowHalfOpen: side === 'server' ? allowHalfOpen : true, ...serverOptions });
    const relay = new Relay(await listen(server));
    const port = await listen(relay.server);
    track(relay);
    const accepted = once(server, 'secureConnection');
    if (side === 'server' && early)
        server.prependListener('secureConnection', early);
    const clientOptions = { port, host: '127.0.0.1', rejectUnauthorized: false, ...versions, ...client };
    const connected = track(tls.connect({ ...clientOptions, allowHalfOpen: side === 'client' ? allowHalfOpen : true }));
    if (side === 'client')
        early?.(connected);
    const [[incoming]] = await Promise.all([accepted, once(connected, 'secureConnect')]);
    track(incoming);
    const [ours, peer] = side === 'client' ? [connected, incoming] : [incoming, connected];
    peer.on('error', () => { });
    await turns(); // an end() while a Node server's session tickets are being written loses its alert (Node 20 to 26)
    return { ours, peer, relay, port, toUs: side === 'client' ? 'toClient' : 'toServer', toPeer: side === 'client' ? 'toServer' : 'toClient' };
}
/** Everything that a socket gives until its end or close. */
export async function readAll(socket) {
    const chunks = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    if (!socket.readableEnded)
        await Promise.race([once(socket, 'end'), once(socket, 'close')]);
    return Buffer.concat(chunks);
}
/** Two turns of the event loop: time for what is already on its way in this process, no more. */
export async function turns(count = 2) {
    for (let i = 0; i < count; i++)
        await new Promise((resolve) => setImmediate(resolve));
}
