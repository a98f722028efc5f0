/** The server that is drained. */
import { once } from 'node:events';
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { drainOnSignal, drainable, getShutdown, watch, type DrainOptions, type DrainReport, type DrainableServer } from 'tls-graceful-shutdown';
import type { Version } from '../../../test/support/pair.js';
import { bytesOf, gotOf } from '../bytes.js';
import { identityOf, listen, remember } from './sockets.js';
import { timed, type Timed } from './timed.js';

export type Kind = 'https' | 'http2' | 'tls';

export interface Drained extends Timed {
  readonly report: DrainReport;
}

interface Serving {
  readonly server: tls.Server;
  readonly drains: DrainableServer;
}

/** How often each request has reached the application, by its path. */
const reached: Record<string, number> = {};
/** How the connections have ended, as this side saw it. */
const ends: Record<string, number> = {};
let serving: Serving;
let secured = 0;
/** Answers that the kernel has taken. */
let written = 0;
let onWritten = (): void => {};
let onReached = (): void => {};

/** A path is `/NAME?LENGTH`, and its answer the bytes of that name; that of `/never` never comes. */
async function answer(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): Promise<void> {
  const [path = '', length] = request.url!.split('?');
  reached[path] = (reached[path] ?? 0) + 1;
  onReached();
  response.on('finish', () => (written++, onWritten())).on('error', () => {}); // the connection is gone: the client counts that
  if (path.startsWith('/never')) return;
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
  await once(request, 'end');
  const upload = Buffer.concat(chunks);
  const expected = bytesOf(`${path}, upload`, upload.length);
  const isWhole = upload.equals(expected) && String(upload.length) === (request.headers['x-length'] ?? '0');
  setTimeout(() => {
    if (response.destroyed) return;
    response.statusCode = isWhole ? 200 : 400;
    (response as ServerResponse).end(isWhole ? bytesOf(path, Number(length)) : `got ${JSON.stringify(gotOf(upload))}`);
  }, Math.random() * 20);
}

function makeServer(kind: Kind, version: Version): tls.Server {
  const listener = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void => void answer(request, response).catch(() => {}); // as above
  if (kind === 'https') return https.createServer(identityOf(version), listener);
  if (kind === 'http2') return http2.createSecureServer(identityOf(version), listener).on('sessionError', () => {}) as unknown as tls.Server;
  return tls.createServer(identityOf(version), (socket) => void socket.on('error', () => {}).resume());
}

export async function serve({ kind, version, options }: { kind: Kind; version: Version; options?: DrainOptions }): Promise<number> {
  const server = watch(makeServer(kind, version));
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    secured++;
    remember(socket).once('close', () => {
      const { received } = getShutdown(socket);
      ends[received] = (ends[received] ?? 0) + 1;
    });
  });
  server.on('connection', remember<net.Socket>);
  serving = { server, drains: drainable(server, options) };
  return await listen(server);
}

export async function drain(options: DrainOptions): Promise<Drained> {
  const { result: report, ...time } = await timed(() => serving.drains.drain(options));
  return { report, ...time };
}

/** Of what the process does when it is told to end. The channel to us keeps it alive no longer. */
export async function drainedBySignal(options: DrainOptions): Promise<Drained> {
  process.channel!.unref();
  const reporting = new Promise<DrainReport>((resolve) => drainOnSignal(serving.drains, { ...options, onDrained: resolve }));
  await once(process, 'SIGTERM');
  const { result: report, ...time } = await timed(() => reporting);
  return { report, ...time };
}

export interface Served {
  readonly reached: Record<string, number>;
  readonly ends: Record<string, number>;
}

export const served = (_none: undefined): Served => ({ reached, ends });
export const connections = (_none: undefined): number => serving.drains.connections;

/** Resolves once so many connections have finished their handshake. */
export async function securedUntil(count: number): Promise<void> {
  while (secured < count) await once(serving.server, 'secureConnection');
}

/** Resolves once the kernel has taken so many answers, which may be long before their client has them. */
export async function writtenUntil(count: number): Promise<void> {
  while (written < count) await new Promise<void>((resolve) => (onWritten = resolve));
}

/** Resolves once so many requests have reached the application. */
export async function reachedUntil(count: number): Promise<void> {
  while (Object.keys(reached).length < count) await new Promise<void>((resolve) => (onReached = resolve));
}
