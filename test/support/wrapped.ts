/** Two TLS sockets that `wrap` made, ours over any kind of transport, on one TCP connection with a relay in the middle. */
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { wrap, type WrapOptions } from '../../src/index.js';
import { SIDES, VERSIONS, certificate, listen, track, turns, type Side, type Version } from './pair.js';
import { Relay, type Direction } from './relay.js';
import { duplexOver, oldDuplex } from './transports.js';

type Ends<T> = readonly [client: T, server: T];

/** What our TLS socket may be wrapped around. The peer's is always over its `net.Socket`. */
export const KINDS: Readonly<Record<string, (raw: net.Socket) => Duplex>> = {
  'net.Socket': (raw) => raw,
  'a Duplex': duplexOver,
  'a Duplex without readableEnded': oldDuplex,
};

/** Two plain sockets, with nothing in between. */
export async function connection(allowHalfOpen = false): Promise<Ends<net.Socket>> {
  const listener = net.createServer({ allowHalfOpen, noDelay: true });
  const port = await listen(listener);
  const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
  const client = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen, noDelay: true }));
  const [[server]] = await Promise.all([accepted, once(client, 'connect')]);
  listener.close();
  return [client, track(server)];
}

/** Two plain sockets with a relay between them. */
export async function relayed(): Promise<{ ends: Ends<net.Socket>; relay: Relay }> {
  const allowHalfOpen = true;
  const listener = net.createServer({ allowHalfOpen, noDelay: true });
  const relay = track(new Relay(await listen(listener)));
  const port = await listen(relay.server);
  const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
  const client = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen, noDelay: true }));
  const [[server]] = await Promise.all([accepted, once(client, 'connect')]);
  return { ends: [client, track(server)], relay };
}

export interface Case {
  readonly version: Version;
  readonly side: Side;
  /** One of `KINDS`. */
  readonly kind: string;
}

export interface CaseOptions extends Case {
  readonly client?: WrapOptions;
  readonly server?: WrapOptions;
  /** Don't wait for the handshake. */
  readonly early?: boolean;
}

export interface WrappedPair {
  readonly ours: TLSSocket;
  readonly peer: TLSSocket;
  /** What went into `wrap`. */
  readonly transport: Duplex;
  /** The listeners that it had before that. */
  readonly listenersBefore: Readonly<Record<string, number>>;
  readonly peerTransport: net.Socket;
  /** The `net.Socket` at the bottom of our transport, if not the transport itself. */
  readonly raw: net.Socket;
  readonly relay: Relay;
  readonly toUs: Direction;
  readonly toPeer: Direction;
}

/** One for each version and side: making one takes longer than a handshake. */
const contexts = new Map<string, tls.SecureContext>();

function contextOf(side: Side, version: Version | undefined): tls.SecureContext {
  const key = `${side} ${version}`;
  const versions = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const context = contexts.get(key) ?? tls.createSecureContext({ ...(side === 'client' ? { ca: certificate.cert } : certificate), ...versions });
  contexts.set(key, context);
  return context;
}

export function wrapAs(side: Side, transport: Duplex, version?: Version, options: WrapOptions = {}): TLSSocket {
  const role = side === 'client' ? { rejectUnauthorized: false } : { isServer: true };
  return track(wrap(transport, { ...role, secureContext: contextOf(side, version), ...options } as WrapOptions));
}

/** The handshake of two wrapped sockets, whichever side they are on. */
export async function handshakes(...sockets: TLSSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => once(socket, 'secure')));
}

/** The peer ignores errors; ours has no listener at all. */
export async function wrappedPair({ version, side, kind, client, server, early = false }: CaseOptions): Promise<WrappedPair> {
  const { ends, relay } = await relayed();
  const [raw, peerTransport] = side === 'client' ? ends : [ends[1], ends[0]];
  if (kind === 'net.Socket') raw.allowHalfOpen = false; // Node's default
  const transport = track(KINDS[kind]!(raw));
  const listenersBefore = listenersOf(transport);
  const options = { client, server };
  const other = side === 'client' ? 'server' : 'client';
  const ours = wrapAs(side, transport, version, options[side]);
  const peer = wrapAs(other, peerTransport, version, options[other]).on('error', () => {});
  if (!early) await handshakes(ours, peer);
  if (!early) await turns(); // a Node server's session tickets
  return { ours, peer, transport, listenersBefore, peerTransport, raw, relay, toUs: side === 'client' ? 'toClient' : 'toServer', toPeer: side === 'client' ? 'toServer' : 'toClient' };
}

/** One `describe` for each version, side and kind of transport. */
export function describeCases(title: string, tests: (of: Case) => void, kinds: readonly string[] = Object.keys(KINDS)): void {
  for (const version of VERSIONS) {
    for (const side of SIDES) {
      for (const kind of kinds) describe(`${title}, ${version} ${side} over ${kind}`, () => tests({ version, side, kind }));
    }
  }
}

/** Reads exactly `length` bytes of a plain connection, and leaves the rest on it. */
export async function readBytes(stream: Duplex, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let left = length; left > 0; ) {
    // A read() of more than there is would have 'readable' emitted at once, for ever.
    const part = stream.read(Math.min(left, stream.readableLength)) as Buffer | null;
    if (part === null) await once(stream, 'readable');
    else left -= parts[parts.push(part) - 1]!.length;
  }
  return Buffer.concat(parts);
}

/** How many listeners of each event. */
export function listenersOf(stream: Duplex): Record<string, number> {
  return Object.fromEntries(stream.eventNames().map((name) => [String(name), stream.listenerCount(name)]));
}

/** Says hello both ways, in plaintext. */
export async function talkPlain(a: Duplex, b: Duplex): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.write('plain');
    const got = await readBytes(to, 5);
    if (String(got) !== 'plain') throw new Error(`not what was written: ${got.toString('hex')}`);
  }
}

/** A rejection's code; 'fulfilled' if there is none. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'fulfilled',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

/** At `'close'`, or now if that was. */
export async function gone(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()));
}
