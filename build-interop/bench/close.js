/**
 * What does a two-way shutdown cost beside a bare `end()`? Closes 2,000 sockets a round, alternating the two ways within one run, with
 * the server in a process of its own. Prints CPU microseconds a socket (lower quartile of the rounds) and their ratio.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { gracefulShutdown } from '../src/index.js';
import { lowerQuartile, median } from './statistics.js';
const SOCKETS = Number(process.env['SOCKETS'] ?? 2000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 16);
if (process.argv[2] === 'server')
    serve();
else
    await run();
function serve() {
    const fixture = (name) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
    const server = tls.createServer({ key: fixture('localhost.key.pem'), cert: fixture('localhost.cert.pem') }, (socket) => {
        socket.on('error', () => socket.destroy());
        socket.resume(); // allowHalfOpen is false: it answers close_notify with close_notify
    });
    server.listen(0, '127.0.0.1', () => process.send(server.address().port));
}
async function connect(port) {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => resolve(socket));
        socket.once('error', reject);
        socket.resume();
    });
}
async function closeAll(sockets, close) {
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    globalThis.gc?.();
    const before = process.cpuUsage();
    for (const socket of sockets)
        close(socket);
    await Promise.all(closed);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / sockets.length;
}
async function run() {
    const server = fork(new URL(import.meta.url), ['server']);
    const port = await new Promise((resolve) => server.once('message', (message) => resolve(message)));
    let answers = 0;
    const ways = {
        'end()': (socket) => void socket.end(),
        gracefulShutdown: (socket) => void gracefulShutdown(socket, { bidirectional: true }).then((value) => (answers += value)),
    };
    const costs = { 'end()': [], gracefulShutdown: [] };
    for (let round = 0; round < (ROUNDS + 2) * 2; round++) {
        const way = (round + (round >> 1)) % 2 === 0 ? 'end()' : 'gracefulShutdown'; // A B B A: a drift hits both
        const sockets = [];
        while (sockets.length < SOCKETS)
            sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => connect(port)))));
        const cost = await closeAll(sockets, ways[way]);
        if (round >= 4)
            costs[way].push(cost); // the first rounds warm up
    }
    server.kill();
    const expected = SOCKETS * (ROUNDS + 2);
    if (answers !== expected)
        throw new Error(`gracefulShutdown returned 1 for ${answers} of ${expected} sockets`);
    const [bare, ours] = [lowerQuartile(costs['end()']), lowerQuartile(costs.gracefulShutdown)];
    console.log(`node ${process.version}, ${ROUNDS} rounds of ${SOCKETS} sockets each way, CPU a socket, lower quartile (median):`);
    console.log(`  end()             ${bare.toFixed(1)} us (${median(costs['end()']).toFixed(1)})`);
    console.log(`  gracefulShutdown  ${ours.toFixed(1)} us (${median(costs.gracefulShutdown).toFixed(1)})`);
    console.log(`  ratio             ${(ours / bare).toFixed(3)}`);
}
