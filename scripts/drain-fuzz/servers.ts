/** Servers of every kind with one application, and a log of what reached it. */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { drainable, type DrainableServer } from '../../src/index.js';
import { certificate, type Version } from '../../test/support/pair.js';

export const KINDS = ['https', 'http2 with allowHTTP1', 'http2', 'tls', 'http', 'http2 without TLS', 'net'] as const;
export type Kind = (typeof KINDS)[number];

export const isTls = (kind: Kind): boolean => ['https', 'http2 with allowHTTP1', 'http2', 'tls'].includes(kind);

/** One connection, as the server saw it. */
export interface Seen {
  readonly raw: net.Socket;
  secure: TLSSocket | undefined;
  /** Ids of the requests that reached the application. */
  readonly given: string[];
  /** Ids of the HTTP/2 streams among them. */
  readonly streams: number[];
  /** Answers in work. */
  answering: number;
  /** Bytes that reached an application without HTTP. */
  bytes: number;
  /** What ends it, by number. */
  drain: number | undefined;
}

export const GREETING = 'hello, '.repeat(3000);
export const GOODBYE = 'goodbye';
export const BIG = 'x'.repeat(300_000);

export class Rig {
  readonly kind: Kind;
  readonly server: net.Server;
  readonly drains: DrainableServer;
  readonly seen: Seen[] = [];
  /** By both ports. One that a drain has destroyed at once has none. */
  readonly #byPorts = new Map<string, Seen>();
  /** The number of the drain that takes new connections. */
  drain: number | undefined;

  constructor(kind: Kind, version: Version | undefined) {
    this.kind = kind;
    this.server = makeServer(kind, version, (request, response) => this.#answer(request, response));
    this.drains = drainable(this.server);
    this.server.on('connection', (raw: net.Socket) => this.#onConnection(raw));
    this.server.on('secureConnection', (socket: TLSSocket) => this.#onSecure(socket));
    for (const event of ['upgrade', 'connect']) this.server.on(event, (request: IncomingMessage, socket: Duplex) => this.#onUpgrade(request, socket));
    for (const event of ['tlsClientError', 'sessionError']) this.server.on(event, () => {});
  }

  async listen(): Promise<number> {
    this.drain = undefined;
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  #onConnection(raw: net.Socket): void {
    const seen: Seen = { raw, secure: undefined, given: [], streams: [], answering: 0, bytes: 0, drain: this.drain };
    this.seen.push(seen);
    if (raw.destroyed) return;
    this.#byPorts.set(portsOf(raw), seen);
    if (this.kind === 'net') this.#talk(raw);
  }

  #onSecure(socket: TLSSocket): void {
    const seen = this.#of(socket);
    if (seen !== undefined) seen.secure = socket;
    socket.on('error', () => {});
    if (this.kind === 'tls') this.#talk(socket);
  }

  #of(socket: net.Socket): Seen | undefined {
    return this.seenOf(portsOf(socket));
  }

  seenOf(ports: string): Seen | undefined {
    return this.#byPorts.get(ports);
  }

  #talk(socket: net.Socket): void {
    socket.on('error', () => {});
    socket.write(GREETING);
    const seen = this.#of(socket)!;
    socket.on('data', (chunk: Buffer) => (seen.bytes += chunk.length));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex): void {
    const { id, wait } = wishes(request.url);
    const seen = this.#of(request.socket);
    seen?.given.push(id);
    socket.on('error', () => {}).resume();
    const answer = request.method === 'CONNECT' ? `HTTP/1.1 200 OK\r\nx-id: ${id}\r\n\r\n` : `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\nx-id: ${id}\r\n\r\n`;
    const upgrade = (): void => {
      if (seen !== undefined && seen.answering > 0) return void setTimeout(upgrade, 5); // behind the older answers
      if (socket.writable) socket.write(answer + GREETING);
    };
    setTimeout(upgrade, wait);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { path, id, wait } = wishes(request.url);
    const seen = this.#of(request.socket);
    seen?.given.push(id);
    if (request.httpVersionMajor === 2) seen?.streams.push((request as unknown as http2.Http2ServerRequest).stream.id!);
    if (seen !== undefined) seen.answering++;
    response.on('error', () => {}).once('close', () => seen !== undefined && seen.answering--);
    request.on('error', () => {});
    const isHttp1 = request.httpVersionMajor === 1;
    response.setHeader('x-id', id);
    const later = (run: () => void): void => void (wait === 0 ? run() : setTimeout(run, wait));
    switch (path) {
      case 'upload':
        return void request.resume().on('end', () => response.end(`body of ${id}`));
      case 'early':
        return later(() => response.writeHead(413).end(BIG));
      case 'stream':
        response.write('begun, ');
        return later(() => response.end(`body of ${id}`));
      case 'big':
        return later(() => response.end(BIG));
      case 'event': {
        response.write('begun, ');
        const { signal } = this.drains;
        const end = (): void => void response.end(`body of ${id}`);
        if (signal.aborted) return end();
        signal.addEventListener('abort', end, { once: true });
        return void response.once('close', () => signal.removeEventListener('abort', end));
      }
      case 'never':
        return;
      case 'now': // without a length Node closes the connection behind an answer to HTTP/1.0
        response.setHeader('content-length', `body of ${id}`.length);
        return void response.end(`body of ${id}`);
      case 'close':
        if (isHttp1) response.setHeader('connection', 'close');
        return later(() => response.end(`body of ${id}`));
      case 'keep':
        if (isHttp1) response.setHeader('connection', 'keep-alive');
        return later(() => response.end(`body of ${id}`));
      default:
        return later(() => response.end(`body of ${id}`));
    }
  }
}

/** Of the server's side. */
function portsOf({ localPort, remotePort }: net.Socket): string {
  return `${localPort} ${remotePort}`;
}

/** Of `/PATH/ID/WAIT`, or `PATH:1` of a CONNECT, whose id is the path. */
function wishes(url = ''): { path: string; id: string; wait: number } {
  const [, path = '', id = url, wait = '0'] = url.split('/');
  return { path, id, wait: Number(wait) };
}

type App = (request: IncomingMessage, response: ServerResponse) => void;

function makeServer(kind: Kind, version: Version | undefined, app: App): net.Server {
  const options = { ...certificate, ...(version === undefined ? {} : { minVersion: version, maxVersion: version }) };
  switch (kind) {
    case 'https':
      return https.createServer(options, app);
    case 'http':
      return http.createServer(app);
    case 'tls':
      return tls.createServer(options);
    case 'net':
      return net.createServer();
    case 'http2 without TLS':
      return http2.createServer(app as never);
    default:
      return http2.createSecureServer({ ...options, allowHTTP1: kind !== 'http2' }, app as never);
  }
}
