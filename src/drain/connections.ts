/** The connections of a drainable server: which there are, what each of them is doing, and the drain that ends it. */
import type { ServerHttp2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isServer, isTLSSocket } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { loaded } from '../builtins.js';
import { duplexUnder, wrappedSocket } from '../node/handle.js';
import { streamUnder } from '../node/http.js';
import type { Drain } from './drain.js';
import { Http1Connection } from './http1.js';
import { Http2Connection, socketOf } from './http2.js';
import { OtherConnection } from './other.js';

/** What ends when its work is done. */
interface Work {
  /** The drain has begun, but the server may still listen. */
  begin?(drain: Drain): void;
  /** The server listens no more. */
  drain(drain: Drain): void;
}

/** A connection, and the drain that ends it. It stays with that also when the server listens again. */
interface Tracked {
  readonly work: Work;
  drain: Drain | undefined;
}

export class Connections {
  /** How many have come. */
  accepted = 0;
  /** Takes the new ones. */
  drain: Drain | undefined;
  /** Of the drains that have stopped the listening, and told their connections. */
  readonly #told = new WeakSet<Drain>();
  /** Of `connection` events that the server has TLS sockets made of them. */
  readonly #isTls: boolean;
  readonly #isHttp: boolean;
  readonly #isHttp2: boolean;
  /** Transports whose handshake is not finished, with their drains. */
  readonly #handshaking = new Map<Duplex, Drain | undefined>();
  readonly #connections = new Map<Duplex, Tracked>();

  constructor(server: net.Server) {
    this.#isTls = isServer(server);
    this.#isHttp2 = 'updateSettings' in server;
    this.#isHttp = this.#isHttp2 || server instanceof loaded.http.Server || server instanceof loaded.https.Server;
  }

  /** What is destroyed has ended, and only its 'close' is still to come. */
  get size(): number {
    return [...this.#handshaking.keys(), ...this.#connections.keys()].filter(({ destroyed }) => !destroyed).length;
  }

  /** The server's `'connection'`. */
  onTransport(transport: Duplex): void {
    if (this.#isTls) this.#onHandshake(transport);
    else this.#onPlainConnection(transport);
  }

  #onHandshake(transport: Duplex): void {
    if (this.#handshaking.has(transport)) return;
    this.accepted++;
    this.#handshaking.set(transport, this.drain);
    this.drain?.add(transport, true);
    transport.once('close', () => {
      const drain = this.#handshaking.get(transport);
      if (this.#handshaking.delete(transport)) drain?.settle(transport, 'failed', 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
    });
  }

  /** It may be a TLS socket all the same, of a server that hands its connections over. */
  #onPlainConnection(socket: Duplex): void {
    if (this.#connections.has(socket)) return;
    this.accepted++;
    if (isTLSSocket(socket)) watchSocket(socket);
    this.drain?.add(socket);
    this.#track(socket, this.drain);
  }

  onSecureConnection(socket: TLSSocket): void {
    if (!this.#isTls || this.#connections.has(socket)) return;
    // Node puts a net.Socket of its own around a Duplex. Bun has one socket for both.
    const transport = [duplexUnder(socket), wrappedSocket(socket), socket].find((one) => one !== undefined && this.#handshaking.has(one));
    const drain = transport === undefined ? this.drain : this.#handshaking.get(transport);
    if (transport === undefined) drain?.add(socket);
    else drain?.replace(transport, socket);
    if (transport !== undefined) this.#handshaking.delete(transport);
    this.#track(socket, drain);
  }

  #track(socket: Duplex, drain: Drain | undefined): void {
    const tracked: Tracked = { work: this.#workOf(socket), drain };
    this.#connections.set(socket, tracked);
    socket.once('close', () => {
      this.#connections.delete(socket);
      tracked.drain?.close(socket); // for the report
    });
    if (drain === undefined) return;
    tracked.work.begin?.(drain);
    if (this.#told.has(drain)) tracked.work.drain(drain);
  }

  #workOf(socket: Duplex): Work {
    const { alpnProtocol } = socket as Partial<TLSSocket>;
    if (this.#isHttp2 && alpnProtocol !== false && alpnProtocol !== 'http/1.1') return new Http2Connection(socket as net.Socket); // as Node decides
    if (this.#isHttp) return new Http1Connection(socket as net.Socket);
    return new OtherConnection(socket);
  }

  onSession(session: unknown): void {
    if (!this.#isHttp2) return;
    const socket = socketOf(session as ServerHttp2Session | undefined);
    const connection = socket && (this.#connections.get(socket) ?? this.#connections.get(streamUnder(socket) ?? socket));
    if (connection?.work instanceof Http2Connection) connection.work.session = session as ServerHttp2Session;
  }

  http1(socket: unknown): Http1Connection | undefined {
    const work = this.#connections.get(socket as Duplex)?.work;
    return work instanceof Http1Connection ? work : undefined;
  }

  http1OfRequest(request: unknown): Http1Connection | undefined {
    return request instanceof loaded.http.IncomingMessage ? this.http1((request as IncomingMessage).socket) : undefined;
  }

  drainOf(socket: unknown): Drain | undefined {
    return this.#connections.get(socket as Duplex)?.drain;
  }

  /** `drain` takes all that no other one has. */
  begin(drain: Drain): void {
    this.drain = drain;
    const isFree = (connection: Duplex, before: Drain | undefined): boolean => !connection.destroyed && (before === undefined || before.isOver);
    for (const [transport, before] of this.#handshaking) {
      if (!isFree(transport, before)) continue;
      this.#handshaking.set(transport, drain);
      drain.add(transport, true);
    }
    for (const [socket, tracked] of this.#connections) {
      if (!isFree(socket, tracked.drain)) continue;
      tracked.drain = drain;
      drain.add(socket);
      tracked.work.begin?.(drain);
    }
  }

  /** `drain` has stopped the listening. */
  tell(drain: Drain): void {
    this.#told.add(drain);
    for (const tracked of this.#connections.values()) if (tracked.drain === drain) tracked.work.drain(drain);
  }
}
