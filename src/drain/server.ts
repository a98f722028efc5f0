/** Draining a server: it accepts no more connections, and those that it has end when their work is done, on both sides. */
import { setMaxListeners } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type net from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { completeDrainOptions, drainOptions, isServer, isTLSSocket } from '../arguments.js';
import { watchSocket } from '../connection/connection.js';
import { inNextTurn } from '../connection/turn.js';
import { loaded } from '../builtins.js';
import { duplexUnder, wrappedSocket } from '../node/handle.js';
import { streamUnder } from '../node/http.js';
import { shutdown } from '../shutdown/shutdown.js';
import { watch } from '../shutdown/watch.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { Drain } from './drain.js';
import { Http1Connection, type Closer } from './http1.js';
import { Http2Connection, socketOf } from './http2.js';
import { holdClose, stopListening } from './listening.js';
import { OtherConnection } from './other.js';

/** What ends when its work is done. */
interface Work {
  drain(drain: Drain): void;
}

/** A connection, and the drain that ends it. It stays with that also when the server listens again. */
interface Tracked {
  readonly work: Work;
  drain: Drain | undefined;
}

/** How a TLS connection is closed that is idle for too long, outside of a drain. */
const timedOut: Closer = {
  shutdown: (socket) => void shutdown(socket as TLSSocket, { bidirectional: true, unread: 'discard' }).then(() => socket.destroy()),
};

export class ServerDrain {
  readonly #server: net.Server;
  /** Of `drainable()`, the one that wins first. */
  readonly defaults: DrainOptions[];
  /** Of `connection` events that it has TLS sockets made of them. */
  readonly #isTls: boolean;
  readonly #isHttp: boolean;
  readonly #isHttp2: boolean;
  /** Transports whose handshake is not finished, with their drains. */
  readonly #handshaking = new Map<Duplex, Drain | undefined>();
  readonly #connections = new Map<Duplex, Tracked>();
  #accepted = 0;
  /** The last one, until the server listens again. */
  #drain: Drain | undefined;
  /** Whether it has stopped the listening, and told the connections. */
  #hasStopped = false;
  #stopped = manyListeners();
  #giveCloseBack = (): void => {};

  constructor(server: net.Server, defaults: DrainOptions) {
    this.#server = server;
    this.defaults = [defaults];
    this.#isTls = isServer(server);
    this.#isHttp2 = 'updateSettings' in server;
    this.#isHttp = this.#isHttp2 || server instanceof loaded.http.Server || server instanceof loaded.https.Server;
    if (isServer(server)) watch(server);
    // Not by listeners: an 'upgrade', 'checkContinue' or 'timeout' listener would change what Node does.
    const { emit } = server;
    const observed = (...args: [event: string | symbol, ...unknown[]]): boolean => {
      if (this.#handles(args)) return true;
      const heard = Reflect.apply(emit, server, args) as boolean;
      if (args[0] === (this.#isTls ? 'secureConnection' : 'connection')) this.#http1(args[1])?.onParser();
      return heard;
    };
    server.emit = observed as typeof server.emit;
  }

  /** Whether Node's own listeners and the application's are not to be called. What an application emits with arguments of its own is not ours. */
  #handles([event, first, second]: [event: string | symbol, ...unknown[]]): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return second instanceof loaded.http.ServerResponse && this.#http1OfRequest(first)?.accepts(first as IncomingMessage, second) === false;
      case 'upgrade':
      case 'connect':
        return this.#http1OfRequest(first)?.acceptsUpgrade() === false;
      case 'clientError':
        return this.#http1(second)?.heedsParseError() === false;
      case 'timeout':
        return this.#closesAtTimeout(first);
      case 'connection':
        if (!(first instanceof Duplex)) return false;
        if (this.#isTls) this.#onHandshake(first);
        else this.#onPlainConnection(first);
        return false;
      case 'secureConnection':
        if (this.#isTls && isTLSSocket(first)) this.#onSecureConnection(first);
        return false;
      case 'session':
        if (this.#isHttp2) this.#onSession(first);
        return false;
      case 'listening':
        this.#onListening();
        return false;
      default:
        return false;
    }
  }

  #http1OfRequest(request: unknown): Http1Connection | undefined {
    return request instanceof loaded.http.IncomingMessage ? this.#http1(request.socket) : undefined;
  }

  #http1(socket: unknown): Http1Connection | undefined {
    const work = this.#connections.get(socket as Duplex)?.work;
    return work instanceof Http1Connection ? work : undefined;
  }

  #onHandshake(transport: Duplex): void {
    if (this.#handshaking.has(transport)) return;
    this.#accepted++;
    this.#handshaking.set(transport, this.#drain);
    this.#drain?.add(transport, true);
    transport.once('close', () => {
      const drain = this.#handshaking.get(transport);
      if (this.#handshaking.delete(transport)) drain?.settle(transport, 'failed', 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
    });
  }

  #onSecureConnection(socket: TLSSocket): void {
    if (this.#connections.has(socket)) return;
    // Node puts a net.Socket of its own around a Duplex. Bun has one socket for both.
    const transport = [duplexUnder(socket), wrappedSocket(socket), socket].find((one) => one !== undefined && this.#handshaking.has(one));
    const drain = transport === undefined ? this.#drain : this.#handshaking.get(transport);
    if (transport === undefined) drain?.add(socket);
    else drain?.replace(transport, socket);
    if (transport !== undefined) this.#handshaking.delete(transport);
    this.#track(socket, this.#workOf(socket), drain);
  }

  /** It may be a TLS socket all the same, of a server that hands its connections over. */
  #onPlainConnection(socket: Duplex): void {
    if (this.#connections.has(socket)) return;
    this.#accepted++;
    if (isTLSSocket(socket)) watchSocket(socket);
    this.#drain?.add(socket);
    this.#track(socket, this.#workOf(socket), this.#drain);
  }

  #workOf(socket: Duplex): Work {
    const { alpnProtocol } = socket as Partial<TLSSocket>;
    if (this.#isHttp2 && alpnProtocol !== false && alpnProtocol !== 'http/1.1') return new Http2Connection(socket as net.Socket); // as Node decides
    if (this.#isHttp) return new Http1Connection(socket as net.Socket);
    return new OtherConnection(socket);
  }

  #onSession(session: unknown): void {
    const socket = socketOf(session as ServerHttp2Session | undefined);
    const connection = socket && (this.#connections.get(socket) ?? this.#connections.get(streamUnder(socket) ?? socket));
    if (connection?.work instanceof Http2Connection) connection.work.session = session as ServerHttp2Session;
  }

  #track(socket: Duplex, work: Work, drain: Drain | undefined): void {
    const tracked: Tracked = { work, drain };
    this.#connections.set(socket, tracked);
    socket.once('close', () => {
      this.#connections.delete(socket);
      tracked.drain?.close(socket); // for the report
    });
    if (drain !== undefined && (drain !== this.#drain || this.#hasStopped)) work.drain(drain);
  }

  /** Node asks the server's `'timeout'` listeners last, and destroys the socket if there are none. */
  #closesAtTimeout(socket: unknown): boolean {
    const connection = this.#http1(socket);
    if (connection === undefined || !connection.idle || this.#server.listenerCount('timeout') > 0) return false;
    const drain = this.#connections.get(socket as Duplex)?.drain;
    if (drain === undefined && !isTLSSocket(socket)) return false;
    inNextTurn(() => connection.closeIdle(drain ?? timedOut));
    return true;
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const checked = drainOptions(options);
    // A server that does not listen may be handed connections after its drain, too.
    if (this.#drain === undefined || (this.#drain.isOver && this.connections > 0)) this.#begin(new Drain(completeDrainOptions(checked, ...this.defaults)));
    else this.#drain.join(checked);
    return this.#drain!.report;
  }

  #begin(drain: Drain): void {
    this.#drain = drain;
    this.#hasStopped = false;
    const isFree = (before: Drain | undefined): boolean => before === undefined || before.isOver;
    for (const [transport, before] of this.#handshaking) {
      if (!isFree(before)) continue;
      this.#handshaking.set(transport, drain);
      drain.add(transport, true);
    }
    for (const [socket, tracked] of this.#connections) {
      if (!isFree(tracked.drain)) continue;
      tracked.drain = drain;
      drain.add(socket);
    }
    this.#giveCloseBack();
    this.#giveCloseBack = holdClose(this.#server, drain.report);
    stopListening(this.#server, () => this.#accepted, () => this.#drain === drain, () => this.#onStopped(drain));
  }

  #onStopped(drain: Drain): void {
    if (this.#drain === drain) this.#hasStopped = true;
    for (const tracked of this.#connections.values()) if (tracked.drain === drain) tracked.work.drain(drain);
    if (this.#drain === drain) this.#stopped.abort(); // behind that: the answers that end by it say `Connection: close`
    drain.seal();
  }

  /** A drain that still runs keeps its connections, and takes no new ones. */
  #onListening(): void {
    if (!this.#server.listening) return; // emitted by the application
    this.#drain = undefined;
    this.#giveCloseBack();
    if (this.#stopped.signal.aborted) this.#stopped = manyListeners();
  }

  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  get draining(): boolean {
    return this.#drain !== undefined;
  }

  get connections(): number {
    return this.#handshaking.size + this.#connections.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }
}

/** One for each request, say: Node warns of more than ten (Node 20). */
function manyListeners(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
