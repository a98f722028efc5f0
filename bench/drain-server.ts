/** A server process of drain.ts: `node drain-server.js WAY COUNT` closes by WAY when told to, and measures until COUNT idle connections are closed. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import { certificate } from '../test/support/pair.js';
import { WAYS, type WayName } from './drain-ways.js';

/** Milliseconds. */
export interface Closing {
  readonly wall: number;
  readonly cpu: number;
  readonly stall: number;
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

function closeMeasured(): void {
  globalThis.gc!();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  setTimeout(() => {
    delay.reset();
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    onLastClosed = () => {
      const wall = performance.now() - start;
      const { user, system } = process.cpuUsage(cpuBefore);
      // The meter's timer ticks once more after the turn that closed the last.
      setTimeout(() => process.send!({ wall, cpu: (user + system) / 1000, stall: delay.max / 1e6 }), 20);
    };
    void close();
  }, 200);
}
