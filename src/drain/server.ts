/** Draining a server: it accepts no more connections, and those that it has end when their work is done, each by a two-way TLS shutdown. */
import type { ServerHttp2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { Server, TLSSocket } from 'node:tls';
import { completeDrainOptions, drainOptions, isTLSSocket } from '../arguments.js';
import { inNextTurn } from '../connection/turn.js';
import { loaded } from '../builtins.js';
import { duplexUnder, wrappedSocket } from '../node/handle.js';
import { idleHttpSockets } from '../node/http.js';
import { shutdown } from '../shutdown/shutdown.js';
import { watch } from '../shutdown/watch.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { Drain } from './drain.js';
import { Http1Connection, type Closer } from './http1.js';
import { Http2Connection, socketOf } from './http2.js';
import { holdClose, stopListening } from './listening.js';

/** What ends when its work is done. */
interface Work {
  drain(drain: Drain): void;
}

/** A connection, and the drain that ends it. It stays with that also when the server listens again. */
interface Tracked {
  readonly work: Work;
  drain: Drain | undefined;
}

/** How a connection is closed that is idle for too long, outside of a drain. */
const timedOut: Closer = {
  shutdown: (socket) => void shutdown(socket, { bidirectional: true, unread: 'discard' }).then(() => socket.destroy()),
};

export class ServerDrain {
  readonly #server: Server;
  readonly #defaults: DrainOptions;
  readonly #isHttp: boolean;
  readonly #isHttp2: boolean;
  /** Transports whose handshake is not finished, with their drains. */
  readonly #handshaking = new Map<Duplex, Drain | undefined>();
  readonly #connections = new Map<TLSSocket, Tracked>();
  #accepted = 0;
  /** The last one, until the server listens again. */
  #drain: Drain | undefined;
  /** Whether it has stopped the listening, and told the connections. */
  #hasStopped = false;
  #giveCloseBack = (): void => {};
  #idleSockets: ReadonlySet<unknown> | undefined;
  #idleSocketsKnown = false;

  constructor(server: Server, defaults: DrainOptions) {
    this.#server = server;
    this.#defaults = defaults;
    this.#isHttp2 = 'updateSettings' in server;
    this.#isHttp = this.#isHttp2 || server instanceof loaded.https.Server;
    watch(server);
    // Not by listeners: an 'upgrade', 'checkContinue' or 'timeout' listener would change what Node does.
    const { emit } = server;
    const observed = (...args: [event: string | symbol, ...unknown[]]): boolean => {
      if (this.#handles(args)) return true;
      const heard = Reflect.apply(emit, server, args) as boolean;
      if (args[0] === 'secureConnection') this.#http1(args[1])?.onParser();
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
        if (first instanceof Duplex) this.#onConnection(first);
        return false;
      case 'secureConnection':
        if (isTLSSocket(first)) this.#onSecureConnection(first);
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
    const work = this.#connections.get(socket as TLSSocket)?.work;
    return work instanceof Http1Connection ? work : undefined;
  }

  #onConnection(transport: Duplex): void {
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
    // Node puts a net.Socket of its own around a Duplex.
    const transport = [duplexUnder(socket), wrappedSocket(socket)].find((one) => one !== undefined && this.#handshaking.has(one));
    const drain = transport === undefined ? this.#drain : this.#handshaking.get(transport);
    if (transport === undefined) drain?.add(socket);
    else drain?.replace(transport, socket);
    if (transport !== undefined) this.#handshaking.delete(transport);
    this.#track(socket, this.#workOf(socket), drain);
  }

  #workOf(socket: TLSSocket): Work {
    if (this.#isHttp2 && socket.alpnProtocol !== false && socket.alpnProtocol !== 'http/1.1') return new Http2Connection(socket); // as Node decides
    if (this.#isHttp) return new Http1Connection(socket, () => this.#idle());
    return { drain: (drain) => drain.finish(socket) };
  }

  #onSession(session: unknown): void {
    const socket = socketOf(session as ServerHttp2Session | undefined);
    const work = socket && this.#connections.get(socket)?.work;
    if (work instanceof Http2Connection) work.session = session as ServerHttp2Session;
  }

  #track(socket: TLSSocket, work: Work, drain: Drain | undefined): void {
    const tracked: Tracked = { work, drain };
    this.#connections.set(socket, tracked);
    socket.once('close', () => {
      this.#connections.delete(socket);
      tracked.drain?.close(socket); // for the report
    });
    if (drain !== undefined && (drain !== this.#drain || this.#hasStopped)) work.drain(drain);
  }

  /** What `idleHttpSockets` said in this turn of the event loop. */
  #idle(): ReadonlySet<unknown> | undefined {
    if (!this.#idleSocketsKnown) {
      this.#idleSockets = idleHttpSockets(this.#server);
      this.#idleSocketsKnown = true;
      inNextTurn(() => (this.#idleSocketsKnown = false));
    }
    return this.#idleSockets;
  }

  /** Node asks the server's `'timeout'` listeners last, and destroys the socket if there are none. */
  #closesAtTimeout(socket: unknown): boolean {
    const connection = this.#http1(socket);
    if (connection === undefined || !connection.idle || this.#server.listenerCount('timeout') > 0) return false;
    inNextTurn(() => connection.closeIdle(this.#drain ?? timedOut));
    return true;
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const checked = drainOptions(options);
    // A server that does not listen may be handed connections after its drain, too.
    if (this.#drain === undefined || (this.#drain.isOver && this.connections > 0)) this.#begin(new Drain(completeDrainOptions(checked, this.#defaults)));
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
    drain.seal();
  }

  /** A drain that still runs keeps its connections, and takes no new ones. */
  #onListening(): void {
    if (!this.#server.listening) return; // emitted by the application
    this.#drain = undefined;
    this.#giveCloseBack();
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
