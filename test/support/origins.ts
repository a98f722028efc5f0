/** Servers of every kind that can be drained, with one application. */
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { drainable, type DrainableServer, type DrainOptions, type DrainReport } from '../../src/index.js';
import { certificate, listen, turns } from './pair.js';

export const HTTP1_KINDS = ['https', 'http2 with allowHTTP1'] as const;
export const KINDS = ['tls', ...HTTP1_KINDS, 'http2'] as const;
export type Kind = (typeof KINDS)[number];

export type App = (request: IncomingMessage, response: ServerResponse) => void;

export interface Origin {
  readonly server: tls.Server;
  readonly drains: DrainableServer;
  readonly port: number;
}

/** Not yet listening, and not drainable. */
export function makeServer(kind: Kind, app?: App): tls.Server {
  if (kind === 'tls') return tls.createServer(certificate);
  if (kind === 'https') return https.createServer(certificate, app);
  const server = http2.createSecureServer({ ...certificate, allowHTTP1: kind !== 'http2' }, app as never);
  return server.on('sessionError', () => {}) as unknown as tls.Server;
}

/** Idle connections are closed at once, unless the test says how long they wait. */
export async function start(server: tls.Server, options?: DrainOptions): Promise<Origin> {
  const drains = drainable(server, { idleGrace: 0, ...options });
  return { server, drains, port: await listen(server) };
}

/** An HTTPS server. */
export function serve(app: App, options?: DrainOptions): Promise<Origin> {
  return start(makeServer('https', app), options);
}

/** What an application gave us to do later, in the order of asking. */
export class Later {
  #tasks: (() => void)[] = [];
  #waiting: { count: number; resolve(): void } | undefined;

  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length === this.#waiting?.count) this.#waiting.resolve();
  }

  async reaches(count: number): Promise<void> {
    if (this.#tasks.length < count) await new Promise<void>((resolve) => (this.#waiting = { count, resolve }));
  }

  run(): void {
    for (const task of this.#tasks.splice(0)) task();
  }
}

export const BIG = Buffer.alloc(12_000_000, 'x');

/** The application of the matrix. What ends later does so when `later` runs. */
export function application(later: Later): App {
  return (request, response) => {
    response.on('error', () => {});
    switch (request.url) {
      case '/upload':
        return void request.resume().on('end', () => response.end('the end')).once('data', () => later.add(() => {}));
      case '/stream':
        response.write('the beginning, ');
        return later.add(() => response.end('the end'));
      case '/big':
        return void response.end(BIG);
      case '/last':
        response.setHeader('connection', 'close');
        return later.add(() => response.end('the end'));
      case '/later':
        return later.add(() => response.end('the end'));
      default:
        response.end('the end');
    }
  };
}

/** Switches protocols, and is then silent. */
export function onUpgrade(request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => {});
  socket.write(request.method === 'CONNECT' ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
}

export async function nextSocket(server: tls.Server): Promise<TLSSocket> {
  return ((await once(server, 'secureConnection')) as [TLSSocket])[0];
}

export async function nextConnection(server: net.Server): Promise<void> {
  await once(server, 'connection');
}

/** Of a drain that has begun: its connections have been told by then. */
export async function stopped({ server }: { server: net.Server }): Promise<void> {
  while (server.listening) await turns(1);
}

/** The same, of a server that is not at hand: at once in the turn in which its connections have been told. */
export async function told({ signal }: DrainableServer): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

export function sumOf({ complete, oneWay, failed, forced }: DrainReport): number {
  return complete + oneWay + failed + forced;
}

/** The kinds that are not 0, and the codes. */
export function outcome({ total, complete, oneWay, failed, forced, errors }: DrainReport): Record<string, unknown> {
  const counts = Object.entries({ complete, oneWay, failed, forced }).filter(([, count]) => count > 0);
  const codes = Object.entries(errors).map(([code, count]) => [code.replace('ERR_TLS_SHUTDOWN_', ''), count]);
  return { total, ...Object.fromEntries(counts), ...Object.fromEntries(codes) };
}

/** The outcome of a drain of one connection that was closed both ways. */
export const COMPLETE = { total: 1, complete: 1 };
