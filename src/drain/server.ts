/** Draining a server: it accepts no more connections, and those that it has end when their work is done, each by a two-way TLS shutdown. */
import type https from 'node:https';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { argumentError, completeDrainOptions, drainOptions, isTLSSocket } from '../arguments.js';
import { inNextTurn } from '../connection/turn.js';
import { loaded } from '../builtins.js';
import { duplexUnder, wrappedSocket } from '../node/handle.js';
import { connectionCount, idleHttpSockets, stopCheckingConnections } from '../node/http.js';
import { shutdown } from '../shutdown/shutdown.js';
import { watch } from '../shutdown/watch.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { Drain } from './drain.js';
import { Http1Connection, type Closer } from './http1.js';
import { Http2Connection, socketOf } from './http2.js';

/** A server that `drainable` made drainable. */
export interface DrainableServer {
  /**
   * Stops listening, lets everything in work end, and closes each connection by a two-way shutdown. A second call joins the first; a shorter
   * `grace` in it, or its `force`, shortens it. After the end it gives the same report, until the server listens again.
   *
   * @throws (rejects) as `drainSockets`
   */
  drain(options?: DrainOptions): Promise<DrainReport>;
  /** From the call of `drain` on, until the server listens again. */
  readonly draining: boolean;
  /** Those still in the handshake too. */
  readonly connections: number;
  /** `drain()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Twice Node's default backlog. So the listening stops even if clients never stop coming. */
const MOST_POLLS = 1022;

/** What ends when its work is done. */
interface Tracked {
  drain(drain: Drain): void;
}

const made = new WeakMap<tls.Server, ServerDrain>();

/**
 * Makes `server` drainable; `options` are the defaults of its `drain()`. It is watched, as by `watch(server)`, and an idle keep-alive connection that
 * times out is closed by `close_notify` from now on, unless the server has a `'timeout'` listener. Called again it gives the same object.
 *
 * @param server a `tls.Server`, `https.Server` or secure HTTP/2 server, with `allowHTTP1` or without; before `listen()`
 * @throws TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, the latter also for a server that has connections already
 * @example
 * const draining = drainable(https.createServer({ key, cert }, listener), { idleGrace: 1000 });
 * // later
 * const { complete, forced } = await draining.drain({ grace: 20_000 });
 */
export function drainable(server: tls.Server | https.Server | Http2SecureServer, options: DrainOptions = {}): DrainableServer {
  if (!(server instanceof tls.Server)) throw argumentError('server', 'an instance of tls.Server, https.Server or a secure HTTP/2 server', server);
  const checked = drainOptions(options);
  const before = made.get(server);
  if (before !== undefined) return before;
  if (connectionCount(server) > 0) throw argumentError('server', 'without connections: call drainable() before listen()', server, 'ERR_INVALID_ARG_VALUE');
  const drains = new ServerDrain(server, checked);
  made.set(server, drains);
  return drains;
}

/** How a connection is closed that is idle for too long, outside of a drain. */
const timedOut: Closer = {
  shutdown: (socket) => void shutdown(socket, { bidirectional: true, unread: 'discard' }).then(() => socket.destroy()),
};

class ServerDrain implements DrainableServer {
  readonly #server: tls.Server;
  readonly #defaults: DrainOptions;
  readonly #isHttp: boolean;
  readonly #isHttp2: boolean;
  readonly #handshaking = new Set<Duplex>();
  readonly #connections = new Map<TLSSocket, Tracked>();
  #accepted = 0;
  #drain: Drain | undefined;
  #idleSockets: ReadonlySet<unknown> | undefined;
  #idleSocketsKnown = false;

  constructor(server: tls.Server, defaults: DrainOptions) {
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
        if (this.#server.listening) this.#drain = undefined;
        return false;
      default:
        return false;
    }
  }

  #http1OfRequest(request: unknown): Http1Connection | undefined {
    return request instanceof loaded.http.IncomingMessage ? this.#http1(request.socket) : undefined;
  }

  #http1(socket: unknown): Http1Connection | undefined {
    const connection = this.#connections.get(socket as TLSSocket);
    return connection instanceof Http1Connection ? connection : undefined;
  }

  #onConnection(transport: Duplex): void {
    this.#accepted++;
    this.#handshaking.add(transport);
    this.#drain?.add(transport, true);
    transport.once('close', () => {
      if (this.#handshaking.delete(transport)) this.#drain?.settle(transport, 'failed', 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
    });
  }

  #onSecureConnection(socket: TLSSocket): void {
    const transport = duplexUnder(socket) ?? wrappedSocket(socket); // Node puts a net.Socket of its own around a Duplex
    if (transport !== undefined && this.#handshaking.delete(transport)) this.#drain?.replace(transport, socket);
    else this.#drain?.add(socket);
    this.#track(socket, this.#connectionOf(socket));
  }

  #connectionOf(socket: TLSSocket): Tracked {
    if (this.#isHttp2 && socket.alpnProtocol !== false && socket.alpnProtocol !== 'http/1.1') return new Http2Connection(socket); // as Node decides
    if (this.#isHttp) return new Http1Connection(socket, () => this.#idle());
    return { drain: (drain) => drain.finish(socket) };
  }

  #onSession(session: unknown): void {
    const socket = socketOf(session as ServerHttp2Session | undefined);
    const connection = socket && this.#connections.get(socket);
    if (connection instanceof Http2Connection) connection.session = session as ServerHttp2Session;
  }

  #track(socket: TLSSocket, connection: Tracked): void {
    this.#connections.set(socket, connection);
    socket.once('close', this.#onClose);
    if (this.#drain !== undefined) connection.drain(this.#drain);
  }

  readonly #onClose = ((drains: ServerDrain) =>
    function (this: TLSSocket): void {
      drains.#connections.delete(this);
      drains.#drain?.close(this); // for the report
    })(this);

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
    if (this.#drain !== undefined) this.#drain.join(checked);
    else this.#begin(new Drain(completeDrainOptions(checked, this.#defaults)));
    return this.#drain!.report;
  }

  #begin(drain: Drain): void {
    this.#drain = drain;
    for (const transport of this.#handshaking) drain.add(transport, true);
    for (const socket of this.#connections.keys()) drain.add(socket);
    for (const connection of this.#connections.values()) connection.drain(drain);
    this.#stopListening(drain, NaN, MOST_POLLS);
  }

  /**
   * The kernel would reset what it has accepted and we have not taken over. Each poll brings one connection (libuv 1.46 and later). So we stop when a whole
   * poll has brought none.
   */
  #stopListening(drain: Drain, accepted: number, polls: number): void {
    inNextTurn(() => {
      if (this.#accepted !== accepted && polls > 0) return this.#stopListening(drain, this.#accepted, polls - 1);
      net.Server.prototype.close.call(this.#server, () => stopCheckingConnections(this.#server)); // that of http destroys idle connections
      drain.seal();
    });
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
