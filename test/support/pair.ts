/** Two connected TLS sockets, ours and a scripted peer, over a relay that can cut, hold, forge and log what passes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, type ReceivedState } from '../../src/index.js';
import { Relay, type Direction } from './relay.js';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export const SIDES = ['client', 'server'] as const;
export type Version = (typeof VERSIONS)[number];
export type Side = (typeof SIDES)[number];

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url));
export const certificate = { key: fixture('localhost.key.pem'), cert: fixture('localhost.cert.pem') };

export interface PairOptions {
  version: Version;
  side: Side;
  /** Of our socket; the peer's is always true, so that the test decides what it sends. */
  allowHalfOpen?: boolean;
  client?: tls.ConnectionOptions;
  server?: tls.TlsOptions;
  /** Called with the server before it listens. */
  onServer?: (server: tls.Server) => void;
  /** Called with our socket as early as an application could. */
  early?: (socket: TLSSocket) => void;
}

export interface Pair {
  readonly ours: TLSSocket;
  readonly peer: TLSSocket;
  readonly relay: Relay;
  readonly port: number;
  /** The relay's lane towards our socket, and the one towards the peer. */
  readonly toUs: Direction;
  readonly toPeer: Direction;
}

const open = new Set<{ destroy(): unknown } | { close(): unknown }>();

/** Closed after the test, whatever became of it. */
export function track<T extends { destroy(): unknown } | { close(): unknown }>(resource: T): T {
  open.add(resource);
  return resource;
}

/** Of a test that looks at what is left of them. */
export function untrack(...resources: { destroy(): unknown }[]): void {
  for (const resource of resources) open.delete(resource);
}

export function closeTracked(): void {
  for (const resource of open) {
    if ('destroy' in resource) resource.destroy();
    else resource.close();
  }
  open.clear();
}

export async function listen(server: net.Server): Promise<number> {
  track(server).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Both sides have finished the handshake when it resolves. The peer ignores errors; ours has no listener at all. */
export async function makePair({ version, side, allowHalfOpen = false, client, server: serverOptions, onServer, early }: PairOptions): Promise<Pair> {
  const versions = { minVersion: version, maxVersion: version } as const;
  const server = tls.createServer({ ...certificate, ...versions, allowHalfOpen: side === 'server' ? allowHalfOpen : true, ...serverOptions });
  onServer?.(server);
  const relay = new Relay(await listen(server));
  const port = await listen(relay.server);
  track(relay);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  if (side === 'server' && early) server.prependListener('secureConnection', early);
  const clientOptions: tls.ConnectionOptions = { port, host: '127.0.0.1', rejectUnauthorized: false, ...versions, ...client };
  const connected = track(tls.connect({ ...clientOptions, allowHalfOpen: side === 'client' ? allowHalfOpen : true } as tls.ConnectionOptions));
  if (side === 'client') early?.(connected);
  const [[incoming]] = await Promise.all([accepted, once(connected, 'secureConnect')]);
  track(incoming);
  const [ours, peer] = side === 'client' ? [connected, incoming] : [incoming, connected];
  peer.on('error', () => {});
  await turns(); // an end() while a Node server's session tickets are being written loses its alert (Node 20 to 26)
  return { ours, peer, relay, port, toUs: side === 'client' ? 'toClient' : 'toServer', toPeer: side === 'client' ? 'toServer' : 'toClient' };
}

/** How this watched socket, which has read all, saw the other side end. Its own alert is the proof. */
export function seenBy(socket: TLSSocket): ReceivedState {
  socket.end();
  return getShutdown(socket).received;
}

/** Everything that a socket gives until its end or close. */
export async function readAll(socket: TLSSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!socket.readableEnded) await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  return Buffer.concat(chunks);
}

/** At `'close'`, with or without an error before (`once` of node:events would reject). Ask for it before the close can come. */
export async function closed(socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Two turns of the event loop: time for what is already on its way in this process, no more. */
export async function turns(count = 2): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
