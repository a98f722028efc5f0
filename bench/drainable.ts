/**
 * What does `drainable` cost a server that is not draining? Requests a second of a drainable HTTPS server against a plain one, alternating in one
 * run, each in a process of its own, as are the clients; and the heap that an idle keep-alive connection takes more, after one request. The
 * watching is in both figures.
 *
 * Many short measurements, so that what else the machine does hits both. SECONDS (of each), ROUNDS and SOCKETS in the environment make it shorter.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { drainable } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { median } from './statistics.js';

const SECONDS = Number(process.env['SECONDS'] ?? 0.25);
const ROUNDS = Number(process.env['ROUNDS'] ?? 100);
const SOCKETS = Number(process.env['SOCKETS'] ?? 1000);
/** Of one client process, each with one request at a time. */
const CONNECTIONS = 32;
const KINDS = ['drainable', 'plain'] as const;
type Kind = (typeof KINDS)[number];

const [, , role, argument] = process.argv;
if (role === 'server') serve(argument as Kind);
else if (role === 'client') load(Number(argument));
else await run();

/** Tells its port, and its heap in use and the CPU time spent, in milliseconds, when asked. */
function serve(kind: Kind): void {
  const server = https.createServer(certificate, (_request, response) => response.end('ok'));
  server.keepAliveTimeout = 0;
  if (kind === 'drainable') drainable(server);
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('message', (message) => {
    if (message === 'heap') for (let i = 0; i < 4; i++) globalThis.gc!();
    const { user, system } = process.cpuUsage();
    process.send!({ heap: process.memoryUsage().heapUsed, cpu: (user + system) / 1000 });
  });
}

interface Load {
  readonly answers: number;
  readonly milliseconds: number;
}

/** Makes requests for `SECONDS` whenever it is told to. */
function load(port: number): void {
  const agent = new https.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let answers = 0;
  let underWay = 0;
  let begun = 0;
  const request = (): void => {
    underWay++;
    https.get({ port, host: '127.0.0.1', rejectUnauthorized: false, agent }, (response) => {
      response.resume().once('end', () => {
        answers++;
        underWay--;
        const milliseconds = performance.now() - begun;
        if (milliseconds < SECONDS * 1000) request();
        else if (underWay === 0) process.send!({ answers, milliseconds } satisfies Load);
      });
    });
  };
  process.on('message', () => {
    answers = 0;
    begun = performance.now();
    for (let i = 0; i < CONNECTIONS; i++) request();
  });
}

function start(...args: (string | number)[]): ChildProcess {
  return fork(new URL(import.meta.url), args.map(String), { execArgv: ['--expose-gc'] });
}

async function ask<T>(child: ChildProcess, question: string): Promise<T> {
  child.send(question);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

interface Spent {
  heap: number;
  cpu: number;
}

async function connectIdle(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

/** Bytes of heap that a connection takes. */
async function heapOf(server: ChildProcess, port: number): Promise<number> {
  const warm: tls.TLSSocket[] = [];
  while (warm.length < 50) warm.push(await connectIdle(port)); // what is made once is made now
  const before = await ask<Spent>(server, 'heap');
  const sockets: tls.TLSSocket[] = [];
  while (sockets.length < SOCKETS) sockets.push(...(await Promise.all(Array.from({ length: 25 }, () => connectIdle(port)))));
  const after = await ask<Spent>(server, 'heap');
  for (const socket of [...sockets, ...warm]) socket.destroy();
  return (after.heap - before.heap) / SOCKETS;
}

async function run(): Promise<void> {
  const servers = {} as Record<Kind, { server: ChildProcess; client: ChildProcess }>;
  const heap = {} as Record<Kind, number>;
  for (const kind of KINDS) {
    const server = start('server', kind);
    const [port] = (await once(server, 'message')) as [number];
    heap[kind] = await heapOf(server, port);
    servers[kind] = { server, client: start('client', port) };
  }
  const throughput: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS + 8; round++) {
    const speed = {} as Record<Kind, number>;
    const cost = {} as Record<Kind, number>;
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
      const { server, client } = servers[kind];
      const before = await ask<Spent>(server, 'cpu');
      const { answers, milliseconds } = await ask<Load>(client, 'go');
      const after = await ask<Spent>(server, 'cpu');
      cost[kind] = (after.cpu - before.cpu) / answers;
      speed[kind] = answers / milliseconds;
    }
    if (round < 8) continue; // warms up
    throughput.push(speed.drainable / speed.plain);
    cpu.push(cost.drainable / cost.plain);
  }
  for (const kind of KINDS) for (const child of Object.values(servers[kind])) child.kill('SIGKILL');
  console.log(`node ${process.version}, drainable / plain, medians of ${ROUNDS} pairs of ${SECONDS} s: throughput ${median(throughput).toFixed(3)}, CPU a request ${median(cpu).toFixed(3)}`);
  console.log(`heap of an idle connection more: ${Math.round(heap.drainable - heap.plain)} bytes (mean of ${SOCKETS}; a plain one has ${Math.round(heap.plain)})`);
}
