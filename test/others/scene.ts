/** What the rows have in common: two sockets of ours, a peer that forges, a handshake that goes nowhere, and the words for what came of it. */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { getShutdown, shutdown, watch, type ShutdownOptions } from '../../src/index.js';
import { FORGED, type Forged } from '../support/forged.js';
import { certificate, makePair, track, turns, type Pair, type PairOptions, type Side } from '../support/pair.js';
import { connection, gone, handshakes } from '../support/wrapped.js';
import type { Place } from './row.js';

export const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');
export const BOTH: ShutdownOptions = { bidirectional: true };

/** Our socket and the peer's, both watched from the start. The peer stays half-open. */
export async function meet(place: Place, options: Partial<PairOptions> = {}): Promise<Pair> {
  const pair = await makePair({ ...place, ...options, early: (ours) => void watch(ours) });
  watch(pair.peer);
  for (const socket of [pair.ours, pair.peer]) socket.setNoDelay(true); // else small writes wait for the other side's kernel
  return pair;
}

/** A peer that sends any record, and our socket, which is watched. */
export function meetForger({ version, side }: Place): Promise<Forged> {
  return FORGED['TCP']!(version, side, (ours) => void watch(ours).on('error', () => {}));
}

/** TLS of ours over a socket or a stream. */
export function secure({ version, side }: Place, transport: Duplex): TLSSocket {
  const versions = { minVersion: version, maxVersion: version } as const;
  const socket =
    side === 'client'
      ? tls.connect({ socket: transport, rejectUnauthorized: false, ...versions })
      : new TLSSocket(transport as never, { isServer: true, secureContext: tls.createSecureContext({ ...certificate, ...versions }) });
  return watch(track(socket));
}

export interface Over<T extends Duplex> {
  readonly ours: TLSSocket;
  readonly peer: TLSSocket;
  readonly transport: T;
}

/** Our socket over a stream that `over` makes, with no relay in between. Both sides have finished the handshake. */
export async function meetOver<T extends Duplex>(place: Place, over: (socket: net.Socket) => T): Promise<Over<T>> {
  const [client, server] = await connection(true);
  const [near, far] = place.side === 'client' ? [client, server] : [server, client];
  const transport = over(near);
  const [ours, peer] = [secure(place, transport), secure({ ...place, side: other(place.side) }, far)];
  await handshakes(ours, peer);
  await turns(); // a Node server's session tickets
  return { ours, peer, transport };
}

export interface Shaking {
  readonly ours: TLSSocket;
  /** Of ours: emitted. */
  readonly errors: NodeJS.ErrnoException[];
  readonly transport: Duplex;
  /** The other end of the transport, where nobody speaks TLS. */
  readonly far: net.Socket;
  readonly closed: Promise<unknown>;
}

/** Our socket in its handshake. */
export async function shaking(place: Place, over: (socket: net.Socket) => Duplex = (socket) => socket): Promise<Shaking> {
  const [client, server] = await connection(true);
  const [near, far] = place.side === 'client' ? [client, server] : [server, client];
  near.allowHalfOpen = false; // Node's default
  const transport = over(near);
  const ours = secure(place, transport);
  const errors: NodeJS.ErrnoException[] = [];
  ours.on('error', (error) => errors.push(error));
  far.on('error', () => {}).resume();
  return { ours, errors, transport, far, closed: gone(ours) };
}

/** The transport ends, or is reset, in the handshake: what is emitted, and what a call is told. */
export async function lostInHandshake(place: Place, lose: (far: net.Socket) => unknown = (far) => far.end()): Promise<string[]> {
  const { ours, far, errors, closed } = await shaking(place);
  await turns();
  lose(far);
  await closed;
  return [errors.map(({ code }) => code).join() || 'no error', await answer(ours)];
}

/** A FIN there: Node's client destroys itself with an error, and its server ends. */
export const FIN_IN_HANDSHAKE = ({ side }: Place): string => (side === 'client' ? 'ECONNRESET; -1 UNVERIFIED' : 'no error; -1 NOT_SENT');

/** `0`, `1`, `-1 TRUNCATED`. */
export async function answer(socket: TLSSocket, options: ShutdownOptions = {}): Promise<string> {
  const { value, error } = await shutdown(socket, options);
  return error === undefined ? String(value) : `${value} ${error.code.replace('ERR_TLS_SHUTDOWN_', '')}`;
}

export function received(socket: TLSSocket): string {
  return getShutdown(socket).received;
}

/** Whether any was emitted since. */
export function errorsOf(socket: TLSSocket): () => string {
  let errors = 0;
  socket.on('error', () => errors++);
  return () => (errors === 0 ? 'no error' : 'an error');
}

/** Reads from now on. */
export class Reader {
  text = '';
  bytes = 0;
  readonly ended: Promise<void>;
  #onText = (): void => {};

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (this.bytes < 1000) this.text += chunk.toString('latin1');
      this.#onText();
    });
    this.ended = new Promise((resolve) => void stream.once('end', resolve).once('close', resolve));
  }

  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((resolve) => (this.#onText = resolve));
  }

  /** To the end. */
  async all(): Promise<string> {
    await this.ended;
    return this.bytes < 1000 ? `'${this.text}'` : `${this.bytes} bytes`;
  }
}

/** What a late write is told. */
export async function write(stream: Duplex, data = 'late'): Promise<string> {
  return new Promise((resolve) => stream.write(data, (error) => resolve((error as NodeJS.ErrnoException | null | undefined)?.code ?? 'written')));
}

export async function closing(socket: Duplex): Promise<string> {
  await gone(socket);
  return 'closed';
}
