/** A server process of drain.ts: `node drain-server.js WAY COUNT` closes by WAY when told to, and measures until COUNT idle connections are closed. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificate } from '../test/support/pair.js';
import { WAYS, type WayName } from './drain-ways.js';

/** Milliseconds. */
export interface Closing {
  readonly wall: number;
  readonly cpu: number;
  /** The longest that the event loop did not come round, and the most CPU time that was spent meanwhile: on a busy machine the rest was others'. */
  readonly stall: number;
  readonly stallCpu: number;
}

const [, , way, count] = process.argv;
const sockets = new Set<TLSSocket>();
const busy = new Set<TLSSocket>();
const finishing: (() => void)[] = [];
let left = Number(count);
let onLastClosed: (() => void) | undefined;

const server = https.createServer(certificate, (request, response) => {
  if (request.url === '/') return void response.end('ok');
  busy.add(request.socket as TLSSocket);
  if (request.url === '/stream') {
    const timer = setInterval(() => response.write('chunk\n'), 20);
    response.on('close', () => clearInterval(timer));
    response.write('chunk\n');
  }
  finishing.push(() => response.end('done\n'));
});
server.keepAliveTimeout = 0; // nothing but the way under test closes a connection
const close = WAYS[way as WayName](server, sockets);
server.on('secureConnection', (socket: TLSSocket) => {
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    if (!busy.has(socket) && --left === 0) onLastClosed?.();
  });
});
server.listen(0, '127.0.0.1', 4096, () => process.send!((server.address() as AddressInfo).port));

process.on('message', (message) => {
  if (message === 'finish') for (const finish of finishing) finish();
  else closeMeasured();
});

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function closeMeasured(): void {
  globalThis.gc!();
  let stall = 0;
  let stallCpu = 0;
  let last = performance.now();
  let lastCpu = cpuTime();
  setInterval(() => {
    const now = performance.now();
    const cpu = cpuTime();
    stall = Math.max(stall, now - last);
    stallCpu = Math.max(stallCpu, cpu - lastCpu);
    [last, lastCpu] = [now, cpu];
  }, 1);
  setTimeout(() => {
    [stall, stallCpu] = [0, 0];
    const cpuBefore = cpuTime();
    const start = performance.now();
    onLastClosed = () => {
      const result = { wall: performance.now() - start, cpu: cpuTime() - cpuBefore };
      // The meter's timer ticks once more after the turn that closed the last.
      setTimeout(() => process.send!({ ...result, stall, stallCpu }), 20);
    };
    void close();
  }, 200);
}
