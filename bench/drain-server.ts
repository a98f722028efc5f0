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
  /** The longest that the event loop did not come round, and the most CPU time that was spent meanwhile: on a busy machine the rest was others'. */
  readonly stall: number;
  readonly stallCpu: number;
  /** The most memory that the process took, in MB, and how much of that came with the closing. */
  readonly peak: number;
  readonly growth: number;
}

const [, , way, count] = process.argv;
const idle = new Set<TLSSocket>();
const finishing: (() => void)[] = [];
let left = Number(count);
let onLastClosed: (() => void) | undefined;

const server = https.createServer(certificate, (request, response) => {
  if (request.url === '/') return void response.end('ok');
  idle.delete(request.socket as TLSSocket);
  if (request.url === '/stream') {
    const timer = setInterval(() => response.write('chunk\n'), 50);
    response.on('close', () => clearInterval(timer));
    response.write('chunk\n');
  }
  finishing.push(() => response.end('done\n'));
});
server.keepAliveTimeout = 0; // nothing but the way under test closes a connection
const close = WAYS[way as WayName](server, idle);
server.on('secureConnection', (socket: TLSSocket) => {
  idle.add(socket);
  socket.once('close', () => {
    if (idle.delete(socket) && --left === 0) onLastClosed?.();
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
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let stallCpu = 0;
  let lastCpu = cpuTime();
  setInterval(() => {
    const cpu = cpuTime();
    stallCpu = Math.max(stallCpu, cpu - lastCpu);
    lastCpu = cpu;
  }, 5);
  setTimeout(() => delay.reset(), 200); // it forgets when it ticked last: once more before the call
  setTimeout(() => {
    stallCpu = 0;
    const cpuBefore = cpuTime();
    const start = performance.now();
    const before = process.memoryUsage.rss();
    onLastClosed = () => {
      const peak = process.resourceUsage().maxRSS / 1024;
      const result = { wall: performance.now() - start, cpu: cpuTime() - cpuBefore, peak, growth: peak - before / 2 ** 20 };
      // The meters' timers come once more after the turn that closed the last.
      setTimeout(() => process.send!({ ...result, stall: delay.max / 1e6, stallCpu }), 20);
    };
    void close();
  }, 300);
}
