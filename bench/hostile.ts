/**
 * What hostile peers cost: handshakes that are never finished, peers that never answer our alert, and clients that ask for more in a drain than they read. The
 * peers are in a process of their own (hostile-peer.ts). Memory is the resident set of the whole process, behind a collection of garbage where there is
 * `--expose-gc`; a stall is the longest time in which the event loop did not come round.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import tls, { type TLSSocket } from 'node:tls';
import { drainable, shutdown, watch, wrap } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import type { Order } from './hostile-peer.js';

const SOCKETS = Number(process.env['SOCKETS'] ?? 10_000);
const REQUESTS = Number(process.env['REQUESTS'] ?? 100_000);
const TIMEOUT = Number(process.env['TIMEOUT'] ?? 5000);
const ONLY = new RegExp(process.env['SCENES'] ?? '');

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function memory(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().rss;
}

function begin(order: Order): ChildProcess {
  const peer = fork(new URL('hostile-peer.js', import.meta.url), ['peer']);
  peer.send(order);
  return peer;
}

async function listen(server: net.Server): Promise<number> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

interface Measured {
  readonly elapsed: number;
  readonly stall: number;
  readonly cpu: number;
  /** More than before, at most. */
  readonly most: number;
}

async function measured(run: () => Promise<unknown>): Promise<Measured> {
  const before = { memory: memory(), cpu: process.cpuUsage(), now: performance.now() };
  let most = before.memory;
  const sample = (): void => void (most = Math.max(most, process.memoryUsage().rss));
  const sampling = setInterval(sample, 10);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await run();
  const elapsed = performance.now() - before.now;
  await sleep(20);
  delay.disable();
  clearInterval(sampling);
  sample();
  const { user, system } = process.cpuUsage(before.cpu);
  return { elapsed, stall: delay.max / 1e6, cpu: (user + system) / 1000, most: most - before.memory };
}

const shown = ({ elapsed, stall, cpu, most }: Measured): string =>
  `${elapsed.toFixed(0)} ms, longest stall ${stall.toFixed(0)} ms, CPU ${cpu.toFixed(0)} ms, ${(most / 1e6).toFixed(0)} MB more at most`;

/** Each peer sends one byte of a handshake now and then. The sockets' own `setTimeout` ends them. */
async function handshakes(): Promise<string> {
  const secureContext = tls.createSecureContext(certificate);
  const sockets: TLSSocket[] = [];
  let timed = 0;
  const server = net.createServer((transport) => {
    const socket = wrap(transport, { isServer: true, secureContext });
    socket.on('error', () => {}).setTimeout(TIMEOUT * 4, () => (timed++, socket.destroy()));
    sockets.push(socket);
  });
  const port = await listen(server);
  const before = memory();
  const peer = begin({ scene: 'handshakes', port, count: SOCKETS });
  while (sockets.length < SOCKETS) await sleep(10);
  const each = (memory() - before) / SOCKETS;
  const { elapsed, stall } = await measured(async () => {
    while (sockets.some(({ closed }) => !closed)) await sleep(50);
  });
  peer.kill();
  server.close();
  return `${SOCKETS} handshakes: ${each.toFixed(0)} bytes each; ${timed} ended by setTimeout(${TIMEOUT * 4}), ${elapsed.toFixed(0)} ms after the last had come; longest stall ${stall.toFixed(0)} ms`;
}

/** Each peer has finished its handshake, and never answers our alert. */
async function halfClosed(): Promise<string> {
  const sockets: TLSSocket[] = [];
  const server = watch(tls.createServer(certificate, (socket) => void sockets.push(socket.on('error', () => {}))));
  const port = await listen(server);
  const peer = begin({ scene: 'half-closed', port, count: SOCKETS });
  while (sockets.length < SOCKETS) await sleep(10);
  const before = memory();
  let most = 0;
  const codes: Record<string, number> = {};
  const all = await measured(async () => {
    const calls = sockets.map((socket) => shutdown(socket, { bidirectional: true, timeout: TIMEOUT }));
    const looking = sleep(TIMEOUT / 2).then(() => (most = (memory() - before) / SOCKETS));
    for (const { value, error } of await Promise.all(calls)) codes[error?.code ?? value] = (codes[error?.code ?? value] ?? 0) + 1;
    await looking;
  });
  const after = (memory() - before) / SOCKETS;
  for (const socket of sockets) socket.destroy();
  peer.kill();
  server.close();
  return `${SOCKETS} half-closed, timeout ${TIMEOUT}: ${most.toFixed(0)} bytes each more while they wait, ${after.toFixed(0)} behind; ${JSON.stringify(codes)}; ${shown(all)}`;
}

interface App {
  given: number;
  /** Made when all have come, and the drain has told its connections. */
  readonly held: ServerResponse[] | undefined;
}

function application(app: App): (request: IncomingMessage, response: ServerResponse) => void {
  return (_request, response) => {
    app.given++;
    if (app.held === undefined) setImmediate(() => response.end('ok'));
    else app.held.push(response);
  };
}

async function requests(scene: Order['scene'], connections: number, all = false): Promise<string> {
  const app: App = { given: 0, held: all ? [] : undefined };
  const isHttp2 = scene === 'streams' || scene === 'rapid reset';
  const server = isHttp2 ? http2.createSecureServer(certificate, application(app) as never).on('sessionError', () => {}) : https.createServer(certificate, application(app));
  const errors: Record<string, number> = {};
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket: net.Socket) => {
    errors[code] = (errors[code] ?? 0) + 1;
    socket.destroy();
  });
  const drains = drainable(server);
  const port = await listen(server);
  const peer = begin({ scene, port, count: connections, requests: REQUESTS, all });
  const begun = all ? REQUESTS : REQUESTS / (scene === 'rapid reset' ? 100 : 2);
  while (app.given < begun && errors['HPE_PAUSED'] === undefined) await new Promise((resolve) => setImmediate(resolve));
  const given = app.given;
  let report: unknown;
  const cost = await measured(async () => {
    const drained = drains.drain({ grace: 30_000 });
    drains.signal.addEventListener('abort', () => app.held?.forEach((response) => response.end('ok')));
    report = await drained;
  });
  const said = once(peer, 'message');
  peer.send('tell');
  const [told] = (await said) as [unknown];
  peer.kill();
  return `${REQUESTS} by '${scene}' on ${connections}: drain at ${given}, given ${app.given}; ${JSON.stringify(report)}; parse errors of Node's ${JSON.stringify(errors)}; peer ${JSON.stringify(told)}; ${shown(cost)}`;
}

/** Answers of 10 MB, which the clients read byte by byte. */
async function slowReaders(): Promise<string> {
  const count = Math.min(SOCKETS, 500);
  const answer = Buffer.alloc(10_000_000);
  const server = https.createServer(certificate, (_request, response) => response.end(answer));
  const drains = drainable(server);
  const port = await listen(server);
  const peer = begin({ scene: 'slow readers', port, count });
  let given = 0;
  server.on('request', () => given++);
  while (given < count) await sleep(10);
  let report: unknown;
  const all = await measured(async () => (report = await drains.drain({ grace: TIMEOUT })));
  peer.kill();
  return `${count} slow readers, grace ${TIMEOUT}: ${JSON.stringify(report)}; ${shown(all)}`;
}

const SCENES: Readonly<Record<string, () => Promise<string>>> = {
  handshakes,
  'half-closed': halfClosed,
  'pipelined on one': () => requests('pipelined', 1),
  'pipelined on many': () => requests('pipelined', 100),
  'pipelined, all open': () => requests('pipelined', 1, true),
  streams: () => requests('streams', 1),
  'rapid reset': () => requests('rapid reset', 1),
  'slow readers': slowReaders,
};

console.log(`node ${process.version}`);
for (const [name, scene] of Object.entries(SCENES)) if (ONLY.test(name)) console.log(`- ${name}: ${await scene()}`);
process.exit();
