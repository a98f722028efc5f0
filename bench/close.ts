/**
 * What does a two-way shutdown cost beside a bare `end()`? Closes 2,000 sockets a round, the two ways in turn within one run, with the server in a
 * process of its own. Prints CPU microseconds a socket (lower quartile of the rounds) and their ratio. Our limit is 1.5, with the proof included: each
 * shutdown waits for the peer's alert, and has to give 1.
 *
 * A few watched sockets stay open all the time, as in any running program. Without them V8 forgets between two rounds what it has compiled for a watched
 * socket, and compiles it anew in each round of ours (`OTHERS=0` shows it).
 *
 * With `--expose-gc` garbage is collected before each round. Without it the rounds collect what connecting has left behind, 10 to 20 us a socket. Each
 * round connects as many, so one of the two ways may meet that every time.
 */
import { fork } from 'node:child_process';
import tls from 'node:tls';
import { gracefulShutdown, watch } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { lowerQuartile, median } from './statistics.js';

const SOCKETS = Number(process.env['SOCKETS'] ?? 2000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 16);
const OTHERS = Number(process.env['OTHERS'] ?? 4);
const LIMIT = 1.5;

if (process.argv[2] === 'server') serve();
else await run();

function serve(): void {
  const server = tls.createServer(certificate, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume(); // allowHalfOpen is false: it answers close_notify with close_notify
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
}

async function connect(port: number): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => resolve(socket));
    socket.once('error', reject);
    socket.resume();
  });
}

type Close = (socket: tls.TLSSocket) => unknown;

/** CPU microseconds a socket, and what the calls gave. */
async function closeAll(sockets: tls.TLSSocket[], close: Close): Promise<{ cost: number; values: unknown[] }> {
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  globalThis.gc?.();
  const before = process.cpuUsage();
  const values = await Promise.all(sockets.map(close));
  await Promise.all(closed);
  const { user, system } = process.cpuUsage(before);
  return { cost: (user + system) / sockets.length, values };
}

async function run(): Promise<void> {
  const server = fork(new URL(import.meta.url), ['server']);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(message as number)));
  const others = await Promise.all(Array.from({ length: OTHERS }, async () => watch(await connect(port))));
  const ways = {
    'end()': (socket: tls.TLSSocket) => void socket.end(),
    gracefulShutdown: (socket: tls.TLSSocket) => gracefulShutdown(socket, { bidirectional: true }),
  };
  const costs: Record<keyof typeof ways, number[]> = { 'end()': [], gracefulShutdown: [] };
  for (let round = 0; round < (ROUNDS + 2) * 2; round++) {
    const way = (round + (round >> 1)) % 2 === 0 ? 'end()' : 'gracefulShutdown'; // A B B A: a drift hits both
    const sockets: tls.TLSSocket[] = [];
    while (sockets.length < SOCKETS) sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => connect(port)))));
    const { cost, values } = await closeAll(sockets, ways[way]);
    const ones = values.filter((value) => value === 1).length;
    if (way === 'gracefulShutdown' && ones !== SOCKETS) throw new Error(`gracefulShutdown returned 1 for ${ones} of ${SOCKETS} sockets`);
    if (round >= 4) costs[way].push(cost); // the first rounds warm up
  }
  for (const socket of others) socket.destroy();
  server.kill();
  const [bare, ours] = [lowerQuartile(costs['end()']), lowerQuartile(costs.gracefulShutdown)];
  const collected = globalThis.gc === undefined ? 'no garbage collected between rounds' : 'garbage collected before each round';
  console.log(`node ${process.version}, ${ROUNDS} rounds of ${SOCKETS} sockets each way, ${OTHERS} other watched sockets open, ${collected}`);
  console.log('CPU a socket, lower quartile (median):');
  console.log(`  end()             ${bare.toFixed(1)} us (${median(costs['end()']).toFixed(1)})`);
  console.log(`  gracefulShutdown  ${ours.toFixed(1)} us (${median(costs.gracefulShutdown).toFixed(1)})`);
  console.log(`  ratio             ${(ours / bare).toFixed(3)} (our limit is ${LIMIT}, the proof included)`);
}
