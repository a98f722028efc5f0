/**
 * What does a two-way shutdown cost beside a bare `end()`? Closes 2,000 sockets a round, alternating the two ways within one run, with
 * the server in a process of its own. Prints CPU microseconds a socket (lower quartile of the rounds) and their ratio.
 *
 * With `--expose-gc` garbage is collected before each round. Without it the rounds collect what connecting has left behind (as `--trace-gc
 * --trace-incremental-marking` shows: "Start (task)", at the beginning of a round), 10 to 20 us a socket; and since each round connects as many, one of
 * the two ways may meet it every time.
 */
import { fork } from 'node:child_process';
import tls from 'node:tls';
import { gracefulShutdown } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { lowerQuartile, median } from './statistics.js';

const SOCKETS = Number(process.env['SOCKETS'] ?? 2000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 16);

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

async function closeAll(sockets: tls.TLSSocket[], close: (socket: tls.TLSSocket) => void): Promise<number> {
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  globalThis.gc?.();
  const before = process.cpuUsage();
  for (const socket of sockets) close(socket);
  await Promise.all(closed);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / sockets.length;
}

async function run(): Promise<void> {
  const server = fork(new URL(import.meta.url), ['server']);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(message as number)));
  let answers = 0;
  const count = (value: number): void => void (answers += value); // one function: V8 would compile one for each socket anew in every round
  const ways = {
    'end()': (socket: tls.TLSSocket) => void socket.end(),
    gracefulShutdown: (socket: tls.TLSSocket) => void gracefulShutdown(socket, { bidirectional: true }).then(count),
  };
  const costs: Record<keyof typeof ways, number[]> = { 'end()': [], gracefulShutdown: [] };
  for (let round = 0; round < (ROUNDS + 2) * 2; round++) {
    const way = (round + (round >> 1)) % 2 === 0 ? 'end()' : 'gracefulShutdown'; // A B B A: a drift hits both
    const sockets: tls.TLSSocket[] = [];
    while (sockets.length < SOCKETS) sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => connect(port)))));
    const cost = await closeAll(sockets, ways[way]);
    if (round >= 4) costs[way].push(cost); // the first rounds warm up
  }
  server.kill();
  const expected = SOCKETS * (ROUNDS + 2);
  if (answers !== expected) throw new Error(`gracefulShutdown returned 1 for ${answers} of ${expected} sockets`);
  const [bare, ours] = [lowerQuartile(costs['end()']), lowerQuartile(costs.gracefulShutdown)];
  console.log(`node ${process.version}, ${ROUNDS} rounds of ${SOCKETS} sockets each way, CPU a socket, lower quartile (median):`);
  console.log(`  end()             ${bare.toFixed(1)} us (${median(costs['end()']).toFixed(1)})`);
  console.log(`  gracefulShutdown  ${ours.toFixed(1)} us (${median(costs.gracefulShutdown).toFixed(1)})`);
  console.log(`  ratio             ${(ours / bare).toFixed(3)}`);
}
