/**
 * What does watching cost? Throughput of a watched client socket against an unwatched one, alternating in one run, with the server in a
 * process of its own; and the heap that a watched idle socket takes more. Run with --expose-gc.
 */
import { fork } from 'node:child_process';
import tls from 'node:tls';
import { watch } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { median } from './statistics.js';

const MEGABYTES = Number(process.env['MEGABYTES'] ?? 256);
const ROUNDS = Number(process.env['ROUNDS'] ?? 10);
const SOCKETS = 500;

if (process.argv[2] === 'server') serve();
else await run();

function serve(): void {
  const server = tls.createServer(certificate, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (order: Buffer) => {
      let left = Number(String(order));
      const chunk = Buffer.alloc(1 << 16);
      const send = (): void => {
        while (left-- > 0) if (!socket.write(chunk)) return void socket.once('drain', send);
        socket.end();
      };
      send();
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
}

async function connect(port: number): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket));
    socket.once('error', reject);
  });
}

async function download(port: number, watched: boolean): Promise<number> {
  const socket = await connect(port);
  if (watched) watch(socket);
  const start = process.hrtime.bigint();
  socket.write(String(MEGABYTES * 16));
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  await new Promise((resolve) => socket.once('close', resolve));
  if (received !== MEGABYTES << 20) throw new Error(`received ${received} bytes`);
  return MEGABYTES / (Number(process.hrtime.bigint() - start) / 1e9);
}

async function run(): Promise<void> {
  const server = fork(new URL(import.meta.url), ['server']);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(message as number)));
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = await download(port, round % 2 === 0);
    const second = await download(port, round % 2 !== 0);
    ratios.push(round % 2 === 0 ? first / second : second / first);
  }
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => connect(port)));
  const used = (): number => {
    for (let i = 0; i < 4; i++) globalThis.gc!();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  for (const socket of sockets) watch(socket);
  const heap = (used() - before) / SOCKETS;
  for (const socket of sockets) socket.destroy();
  server.kill();
  console.log(`node ${process.version}: throughput watched / unwatched ${median(ratios).toFixed(3)} (median of ${ROUNDS} pairs of ${MEGABYTES} MB)`);
  console.log(`heap of a watched socket more: ${Math.round(heap)} bytes (mean of ${SOCKETS})`);
}
