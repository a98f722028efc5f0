/**
 * A peer that sends as quickly as it can behind our alert, in place of its own: what does that cost us, and does the time limit hold? For each kind of record
 * that a peer may send: what the call came to, and when; the longest time in which the event loop did not come round; CPU for each megabyte received; and how much
 * more memory there was at most. Beside it the same flood to a socket that ended by a bare `end()`, which nobody watches, as in plain Node.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import tls, { type TLSSocket } from 'node:tls';
import { shutdown, watch } from '../src/index.js';
import { VERSIONS, type Version } from '../test/support/pair.js';
import { KINDS, type Order } from './floods-peer.js';

const TIMEOUT = Number(process.env['TIMEOUT'] ?? 2000);
const RECORDS = Number(process.env['RECORDS'] ?? 200_000);
const ONLY = new RegExp(process.env['KINDS'] ?? '');

type Close = (socket: TLSSocket) => Promise<string>;

const WAYS: Readonly<Record<string, Close>> = {
  shutdown: async (socket) => {
    const { value, error } = await shutdown(socket, { bidirectional: true, unread: 'discard', timeout: TIMEOUT });
    return error === undefined ? String(value) : error.code.replace('ERR_TLS_SHUTDOWN_', '');
  },
  "Node's end()": async (socket) => {
    socket.resume().end();
    const timer = new Promise((resolve) => setTimeout(resolve, TIMEOUT, 'open'));
    return String(await Promise.race([timer, new Promise((resolve) => socket.once('close', () => resolve('closed')))]));
  },
};

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve) => child.once('message', (value) => resolve(value as T)));
}

async function run(kind: string, version: Version, way: string): Promise<string> {
  const peer = fork(new URL('floods-peer.js', import.meta.url), ['peer']);
  const order: Order = { kind, version, records: kind.startsWith('full') ? Math.min(RECORDS, 10_000) : RECORDS };
  peer.send(order);
  const port = await message<number>(peer);
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: version, maxVersion: version });
  socket.on('error', () => {});
  if (way === 'shutdown') watch(socket);
  const ready = message<{ sealed: number }>(peer);
  await once(socket, 'secureConnect');
  const { sealed } = await ready;
  globalThis.gc?.();
  const before = { memory: process.memoryUsage().rss, cpu: process.cpuUsage(), now: performance.now() };
  let most = before.memory;
  let received = 0;
  const sample = (): void => {
    most = Math.max(most, process.memoryUsage().rss);
    received = ciphertextRead(socket) ?? received;
  };
  const sampling = setInterval(sample, 5);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const answer = await WAYS[way]!(socket);
  const elapsed = performance.now() - before.now;
  await new Promise((resolve) => setTimeout(resolve, 20)); // the longest delay is known behind it
  delay.disable();
  clearInterval(sampling);
  sample();
  const { user, system } = process.cpuUsage(before.cpu);
  socket.destroy();
  peer.kill();
  const cells = [kind, version, way, answer, elapsed.toFixed(0), (delay.max / 1e6).toFixed(0), `${(received / 1e6).toFixed(1)} of ${(sealed / 1e6).toFixed(1)}`, ((user + system) / 1000).toFixed(0), ((most - before.memory) / 1e6).toFixed(0)];
  return `| ${cells.join(' | ')} |`;
}

/** What has come; undocumented. */
function ciphertextRead(socket: TLSSocket): number | undefined {
  return (socket as unknown as { _handle?: { _parent?: { bytesRead?: number } } | null })._handle?._parent?.bytesRead;
}

console.log(`node ${process.version}, timeout ${TIMEOUT} ms`);
console.log("| records | TLS | closed by | came to | after, ms | longest stall, ms | received, MB | CPU, ms | memory at most, MB more |\n|---|---|---|---|---:|---:|---:|---:|---:|");
for (const kind of Object.keys(KINDS).filter((name) => ONLY.test(name))) {
  for (const version of VERSIONS) {
    if (version === 'TLSv1.2' && /KeyUpdate|ticket|padding/.test(kind)) continue;
    if (version === 'TLSv1.3' && kind === 'HelloRequests') continue;
    for (const way of Object.keys(WAYS)) console.log(await run(kind, version, way));
  }
}
