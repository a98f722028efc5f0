/** Draining a server: it accepts no more connections, and those that it has end when their work is done, on both sides. */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type net from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { completeDrainOptions, drainOptions, isServer, isTLSSocket } from '../arguments.js';
import { putMethod } from '../connection/methods.js';
import { inNextTurn } from '../connection/turn.js';
import { loaded } from '../builtins.js';
import { shutdown } from '../shutdown/shutdown.js';
import { watch } from '../shutdown/watch.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { Connections } from './connections.js';
import { Drain } from './drain.js';
import type { Closer } from './http1.js';
import { holdClose, stopListening } from './listening.js';

/** How a TLS connection is closed that is idle for too long, outside of a drain. */
const timedOut: Closer = {
  shutdown: (socket) => void shutdown(socket as TLSSocket, { bidirectional: true, unread: 'discard' }).then(() => socket.destroy()),
};

export class ServerDrain {
  readonly #server: net.Server;
  /** Of `drainable()`, the one that wins first. */
  readonly defaults: DrainOptions[];
  readonly #connections: Connections;
  /** The last one, until the server listens again. */
  #drain: Drain | undefined;
  #stopped = manyListeners();
  #giveCloseBack = (): void => {};

  constructor(server: net.Server, defaults: DrainOptions) {
    this.#server = server;
    this.defaults = [defaults];
    this.#connections = new Connections(server);
    if (isServer(server)) watch(server);
    // Not by listeners: an 'upgrade', 'checkContinue' or 'timeout' listener would change what Node does.
    const { emit } = server;
    const observed = (...args: [event: string | symbol, ...unknown[]]): boolean => {
      if (this.#handles(args)) return true;
      const heard = Reflect.apply(emit, server, args) as boolean;
      if (args[0] === (isServer(server) ? 'secureConnection' : 'connection')) this.#connections.http1(args[1])?.onParser();
      return heard;
    };
    putMethod(server, 'emit', observed as typeof server.emit);
  }

  /** Whether Node's own listeners and the application's are not to be called. What an application emits with arguments of its own is not ours. */
  #handles([event, first, second]: [event: string | symbol, ...unknown[]]): boolean {
    const connections = this.#connections;
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return second instanceof loaded.http.ServerResponse && connections.http1OfRequest(first)?.accepts(first as IncomingMessage, second) === false;
      case 'upgrade':
      case 'connect':
        return connections.http1OfRequest(first)?.acceptsUpgrade() === false;
      case 'clientError':
        return connections.http1(second)?.heedsParseError() === false;
      case 'timeout':
        return this.#closesAtTimeout(first);
      case 'connection':
        if (first instanceof Duplex) connections.onTransport(first);
        return false;
      case 'secureConnection':
        if (isTLSSocket(first)) connections.onSecureConnection(first);
        return false;
      case 'session':
        connections.onSession(first);
        return false;
      case 'listening':
        this.#onListening();
        return false;
      default:
        return false;
    }
  }

  /** Node asks the server's `'timeout'` listeners last, and destroys the socket if there are none. */
  #closesAtTimeout(socket: unknown): boolean {
    const connection = this.#connections.http1(socket);
    if (connection === undefined || !connection.idle || this.#server.listenerCount('timeout') > 0) return false;
    const drain = this.#connections.drainOf(socket);
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
    this.#connections.begin(drain);
    this.#giveCloseBack();
    this.#giveCloseBack = holdClose(this.#server, drain.report);
    stopListening(this.#server, {
      accepted: () => this.#connections.accepted,
      isWanted: () => this.#drain === drain,
      isForced: () => drain.isForced,
      stopped: () => this.#onStopped(drain),
    });
  }

  #onStopped(drain: Drain): void {
    this.#connections.tell(drain);
    if (this.#drain === drain) this.#stopped.abort(); // behind that: the answers that end by it say `Connection: close`
    drain.seal();
  }

  /** A drain that still runs keeps its connections, and takes no new ones. */
  #onListening(): void {
    if (!this.#server.listening) return; // emitted by the application
    this.#drain = this.#connections.drain = undefined;
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
    return this.#connections.size;
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
