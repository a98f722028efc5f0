/** Our socket over each kind of transport, with a forger as its peer. */
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { Forger } from './forger.js';
import { certificate, listen, track, turns, untrack, type Side, type Version } from './pair.js';
import { WireEnd, wire } from './wire.js';
import { connection, wrapAs } from './wrapped.js';

export interface Forged {
  readonly ours: TLSSocket;
  readonly forger: Forger;
  /** Each piece on its own, one after the other. */
  deliver(...pieces: Buffer[]): void;
  fin(): void;
  /** To be called in our socket's `'data'` callback: a greedy Duplex pushes its next piece in it. */
  onData(): void;
  /** What went into `wrap`. */
  readonly transport: Duplex | undefined;
  destroy(): void;
}

export type Early = (socket: TLSSocket) => void;
type Make = (version: Version, side: Side, early: Early) => Promise<Forged>;

const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');
const insecure = { rejectUnauthorized: false } as const;

async function forged(ours: TLSSocket, forger: Forger, beneath: Duplex[] = [], rest: Partial<Forged> = {}): Promise<Forged> {
  const { line } = forger;
  const all = [ours, forger, ...beneath];
  for (const each of all) track(each);
  await Promise.all([forger.handshake, handshakeOf(ours)]);
  await turns(); // a Node server's session tickets
  const destroy = (): void => {
    for (const each of all) each.destroy();
    untrack(...all);
  };
  const deliver = (...pieces: Buffer[]): void => pieces.forEach((piece) => void line.write(piece));
  return { ours, forger, deliver, fin: () => void line.end(), onData: () => {}, transport: undefined, destroy, ...rest };
}

async function handshakeOf(socket: TLSSocket): Promise<void> {
  if (socket.getFinished() === undefined || socket.getPeerFinished() === undefined) await once(socket, 'secure');
}

/** `tls.connect` to it, or a `tls.Server` at it: a port or a path. */
async function native(version: Version, side: Side, early: Early, path?: string): Promise<Forged> {
  const halfOpen = { allowHalfOpen: true, noDelay: true } as const;
  const versions = { minVersion: version, maxVersion: version } as const;
  const server = side === 'client' ? net.createServer(halfOpen) : tls.createServer({ ...certificate, ...versions });
  const at = path === undefined ? { port: await listen(server), host: '127.0.0.1' } : { path };
  if (path !== undefined) await once(track(server).listen(path), 'listening');
  const incoming = once(server, side === 'client' ? 'connection' : 'secureConnection') as Promise<[TLSSocket]>;
  if (side === 'server') server.prependListener('secureConnection', early);
  const outgoing = side === 'client' ? tls.connect({ ...at, ...insecure, ...versions }) : net.connect({ ...at, ...halfOpen });
  if (side === 'client') early(outgoing as TLSSocket);
  else await once(outgoing, 'connect');
  const first = side === 'client' ? (await incoming)[0] : outgoing;
  const forger = new Forger(first, version, other(side));
  const ours = side === 'client' ? (outgoing as TLSSocket) : (await incoming)[0];
  server.close();
  untrack(server as never);
  return forged(ours, forger);
}

function over(transport: Duplex, version: Version, side: Side): TLSSocket {
  const versions = { minVersion: version, maxVersion: version } as const;
  if (side === 'client') return tls.connect({ socket: transport, ...insecure, ...versions });
  return new TLSSocket(transport as never, { isServer: true, secureContext: serverContext(version) });
}

const contexts = new Map<Version, tls.SecureContext>();

function serverContext(version: Version): tls.SecureContext {
  const context = contexts.get(version) ?? tls.createSecureContext({ ...certificate, minVersion: version, maxVersion: version });
  contexts.set(version, context);
  return context;
}

/** Pushes the pieces that wait from within the callback of the one before, as streams with a flow control of their own do. */
class GreedyEnd extends WireEnd {
  #waiting: Buffer[] = [];

  gulp(pieces: Buffer[]): void {
    this.#waiting.push(...pieces);
    while (this.#waiting.length > 0) this.next();
  }

  next(): void {
    const piece = this.#waiting.shift();
    if (piece !== undefined) this.arrive(piece);
  }
}

async function greedy(version: Version, side: Side, early: Early): Promise<Forged> {
  const [mine, line] = [new GreedyEnd(), new WireEnd()];
  mine.other = line;
  line.other = mine;
  const ours = over(mine, version, side);
  early(ours);
  return forged(ours, new Forger(line, version, other(side)), [mine], {
    deliver: (...pieces) => void setImmediate(() => mine.gulp(pieces)),
    onData: () => mine.next(),
  });
}

async function inMemory(version: Version, side: Side, early: Early): Promise<Forged> {
  const [mine, line] = wire();
  const ours = over(mine, version, side);
  early(ours);
  return forged(ours, new Forger(line, version, other(side)), [mine]);
}

/** The outer layer ends at a proxy. */
async function tlsInTls(version: Version, side: Side, early: Early): Promise<Forged> {
  const [near, far] = await connection(true);
  const outer = tls.connect({ socket: near, ...insecure });
  const tunnel = new TLSSocket(far, { isServer: true, secureContext: serverContext('TLSv1.3') });
  for (const each of [outer, tunnel]) each.on('error', () => {});
  await Promise.all([once(outer, 'secure'), once(tunnel, 'secure')]);
  const ours = over(outer, version, side);
  early(ours);
  const made = await forged(ours, new Forger(tunnel, version, other(side)), [outer, near, far]);
  untrack(near, far);
  return made;
}

async function wrapped(version: Version, side: Side, early: Early, ends: readonly [Duplex, Duplex]): Promise<Forged> {
  const [transport, line] = ends;
  const ours = wrapAs(side, transport, version);
  early(ours);
  return forged(ours, new Forger(line, version, other(side)), [transport], { transport });
}

let sockets = 0;

export const FORGED: Readonly<Record<string, Make>> = {
  TCP: native,
  'a Unix socket': (version, side, early) => native(version, side, early, join(tmpdir(), `tls-shutdown-forged-${process.pid}-${sockets++}`)),
  'a Duplex': inMemory,
  'a greedy Duplex': greedy,
  'TLS in TLS': tlsInTls,
  'wrap() of a net.Socket': async (version, side, early) => wrapped(version, side, early, await connection(true)),
  'wrap() of a Duplex': async (version, side, early) => wrapped(version, side, early, wire()),
};
