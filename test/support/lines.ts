/** Our socket over each kind of transport, and at the other end whoever a test puts there. */
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { certificate, listen, track, turns, untrack, type Side, type Version } from './pair.js';
import { contextOf, serverOptions, type Session, type Suite } from './suites.js';
import { WireEnd, wire } from './wire.js';
import { connection, wrapAs } from './wrapped.js';

/** Who is at the other end. */
export interface Far {
  /** What carries TLS records to us. */
  readonly line: Duplex;
  readonly handshake: Promise<unknown>;
  destroy(): void;
}

export interface Lined<F extends Far> {
  readonly ours: TLSSocket;
  readonly far: F;
  /** Each piece on its own, one after the other. */
  deliver(...pieces: Buffer[]): void;
  fin(): void;
  /** As somebody on the path can do it. Over a Unix socket there is none: it is closed. */
  reset(): void;
  /** To be called in our socket's `'data'` callback: a greedy Duplex pushes its next piece in it. */
  onData(): void;
  /** What went into `wrap`. */
  readonly transport: Duplex | undefined;
  destroy(): void;
}

export type Early = (socket: TLSSocket) => void;
/** Makes it once there is a line. */
export type MakeFar<F extends Far> = (line: Duplex) => F;
/** What our side is limited to, if to more than a version, and the session that it resumes. */
export interface Limits {
  readonly suite?: Suite;
  readonly session?: Session;
}
type Make = <F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, limits?: Limits) => Promise<Lined<F>>;

const insecure = { rejectUnauthorized: false } as const;

async function lined<F extends Far>(ours: TLSSocket, far: F, beneath: Duplex[] = [], rest: Partial<Lined<F>> = {}): Promise<Lined<F>> {
  const { line } = far;
  const all = [ours, far, ...beneath];
  for (const each of all) track(each);
  await Promise.all([far.handshake, handshakeOf(ours)]);
  await turns(); // a Node server's session tickets
  const destroy = (): void => {
    for (const each of all) each.destroy();
    untrack(...all, line);
  };
  const deliver = (...pieces: Buffer[]): void => pieces.forEach((piece) => void line.write(piece));
  return { ours, far, deliver, fin: () => void line.end(), reset: () => resetAt(line), onData: () => {}, transport: undefined, destroy, ...rest };
}

function resetAt(line: Duplex): void {
  const isEnding = line.writableEnded && !line.writableFinished; // there libuv refuses a reset, and Node forgets the handle, which stays open (20 to 26)
  if (line instanceof net.Socket && !(line instanceof TLSSocket) && line.remoteAddress !== undefined && !isEnding) line.resetAndDestroy();
  else line.destroy();
}

/** A `Duplex` in memory tells of a reset as Node's sockets do. */
function resetInMemory(mine: Duplex): void {
  mine.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
}

async function handshakeOf(socket: TLSSocket): Promise<void> {
  if (socket.getFinished() === undefined || socket.getPeerFinished() === undefined) await once(socket, 'secure');
}

/** `tls.connect` to it, or a `tls.Server` at it: a port or a path. */
async function native<F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, { suite, session }: Limits = {}, path?: string): Promise<Lined<F>> {
  const halfOpen = { allowHalfOpen: true, noDelay: true } as const;
  const limits = suite?.limits ?? ({ minVersion: version, maxVersion: version } as const);
  const server = side === 'client' ? net.createServer(halfOpen) : tls.createServer(suite === undefined ? { ...certificate, ...limits } : serverOptions(suite));
  const at = path === undefined ? { port: await listen(server), host: '127.0.0.1' } : { path };
  if (path !== undefined) await once(track(server).listen(path), 'listening');
  const incoming = once(server, side === 'client' ? 'connection' : 'secureConnection') as Promise<[TLSSocket]>;
  if (side === 'server') server.prependListener('secureConnection', early);
  const outgoing = side === 'client' ? tls.connect({ ...at, ...insecure, ...limits, ...session }) : net.connect({ ...at, ...halfOpen });
  if (side === 'client') early(outgoing as TLSSocket);
  else await once(outgoing, 'connect');
  const first = side === 'client' ? (await incoming)[0] : outgoing;
  const far = makeFar(first);
  const ours = side === 'client' ? (outgoing as TLSSocket) : (await incoming)[0];
  server.close();
  untrack(server as never);
  return lined(ours, far);
}

function over(transport: Duplex, version: Version, side: Side, { suite, session }: Limits = {}): TLSSocket {
  const limits = suite?.limits ?? ({ minVersion: version, maxVersion: version } as const);
  if (side === 'client') return tls.connect({ socket: transport, ...insecure, ...limits, ...session });
  return new TLSSocket(transport as never, { isServer: true, secureContext: suite === undefined ? serverContext(version) : contextOf('server', suite) });
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

async function greedy<F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, limits?: Limits): Promise<Lined<F>> {
  const [mine, line] = [new GreedyEnd(), new WireEnd()];
  mine.other = line;
  line.other = mine;
  const ours = over(mine, version, side, limits);
  early(ours);
  return lined(ours, makeFar(line), [mine], {
    reset: () => resetInMemory(mine),
    deliver: (...pieces) => void setImmediate(() => mine.gulp(pieces)),
    onData: () => mine.next(),
  });
}

async function inMemory<F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, limits?: Limits): Promise<Lined<F>> {
  const [mine, line] = wire();
  const ours = over(mine, version, side, limits);
  early(ours);
  return lined(ours, makeFar(line), [mine], { reset: () => resetInMemory(mine) });
}

/** The outer layer ends at a proxy. */
async function tlsInTls<F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, limits?: Limits): Promise<Lined<F>> {
  const [near, end] = await connection(true);
  const outer = tls.connect({ socket: near, ...insecure });
  const tunnel = new TLSSocket(end, { isServer: true, secureContext: serverContext('TLSv1.3') });
  for (const each of [outer, tunnel]) each.on('error', () => {});
  await Promise.all([once(outer, 'secure'), once(tunnel, 'secure')]);
  const ours = over(outer, version, side, limits);
  early(ours);
  const made = await lined(ours, makeFar(tunnel), [outer, near, end], { reset: () => resetAt(end) });
  untrack(near, end);
  return made;
}

async function wrapped<F extends Far>(version: Version, side: Side, early: Early, makeFar: MakeFar<F>, { suite, session }: Limits = {}, ends: readonly [Duplex, Duplex]): Promise<Lined<F>> {
  const [transport, line] = ends;
  const ours = wrapAs(side, transport, version, { ...(suite && { secureContext: contextOf(side, suite) }), ...session });
  early(ours);
  const reset = (): void => (transport instanceof net.Socket ? resetAt(line) : resetInMemory(transport));
  return lined(ours, makeFar(line), [transport], { transport, reset });
}

let sockets = 0;

export const LINES: Readonly<Record<string, Make>> = {
  TCP: native,
  'a Unix socket': (version, side, early, makeFar, limits) => native(version, side, early, makeFar, limits, join(tmpdir(), `tls-shutdown-forged-${process.pid}-${sockets++}`)),
  'a Duplex': inMemory,
  'a greedy Duplex': greedy,
  'TLS in TLS': tlsInTls,
  'wrap() of a net.Socket': async (version, side, early, makeFar, limits) => wrapped(version, side, early, makeFar, limits, await connection(true)),
  'wrap() of a Duplex': async (version, side, early, makeFar, limits) => wrapped(version, side, early, makeFar, limits, wire()),
};
