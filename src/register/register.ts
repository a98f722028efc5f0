/** A program that nobody edits: its servers are found when they listen, and drain when a signal comes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isInstance, isServer } from '../arguments.js';
import { loaded } from '../builtins.js';
import { inNextTurn } from '../connection/turn.js';
import { drainableWith, type DrainableServer } from '../drain/drainable.js';
import { onShutdownMessage } from '../drain/parent.js';
import { SignalDrain } from '../drain/signal-drain.js';
import { isDrainedOnSignal } from '../drain/signals.js';
import { leavePrimary, type Told } from '../drain/workers.js';
import { onPrimaryEnds } from '../node/cluster.js';
import { isParsed, onTlsOver } from '../node/tls-over.js';
import type { RegisterOptions } from './environment.js';
import { othersListen } from './others.js';

/**
 * Documented, and published by `listen()` itself: no wrapper of a program or of a tracer can be in between, nor be broken by ours. No connection can have come by then.
 */
const LISTENS = 'tracing:net.server.listen:asyncEnd';

/** Documented: a process is started. */
const STARTS = 'child_process';

export class Register {
  readonly #options: RegisterOptions;
  /** Those that listen, until they are closed. */
  readonly #servers = new Map<net.Server, DrainableServer>();
  /** Of plain servers: the TLS sockets that they have made by themselves. */
  readonly #ownTls = new WeakMap<net.Server, Set<TLSSocket>>();
  /** Of a cluster's primary: those that listen. */
  readonly #workers = new Set<unknown>();
  #drain: SignalDrain | undefined;
  #stopListening: (() => void) | undefined;
  #primaryEnds = false;
  /** The last signal for which nobody else has listened: the process would have ended by it. */
  #unheard: NodeJS.Signals | undefined;

  constructor(options: RegisterOptions) {
    this.#options = options;
  }

  start(): void {
    subscribe(LISTENS, (message) => this.#onListen((message as { server?: unknown }).server));
    subscribe(STARTS, this.#onStart);
    onTlsOver((socket, server) => this.#onTlsOver(socket, server));
    onPrimaryEnds(() => (this.#primaryEnds = true));
  }

  #onListen(server: unknown): void {
    if (!isInstance(server, net.Server)) return;
    const drains = drainableWith(this.#options.drain, server);
    if (drains === undefined || !isKnown(server)) return;
    this.#add(server, drains);
    const drain = this.#drain;
    if (drain !== undefined) server.once('listening', () => drain.add(drains)); // told to end while it starts
  }

  /** A plain server that makes TLS sockets by itself is one, too. */
  #onTlsOver(socket: TLSSocket, server: net.Server): void {
    const drains = drainableWith(this.#options.drain, server);
    if (drains === undefined) return;
    const sockets = this.#ownTls.get(server) ?? new Set();
    this.#ownTls.set(server, sockets.add(socket));
    socket.once('close', () => sockets.delete(socket));
    if (!server.listening || drains.draining) return;
    this.#add(server, drains);
    this.#drain?.add(drains);
  }

  #add(server: net.Server, drains: DrainableServer): void {
    if (!this.#servers.has(server)) server.prependOnceListener('close', () => (this.#servers.delete(server), this.#listenIfNeeded()));
    this.#servers.set(server, drains);
    this.#listenIfNeeded();
  }

  /** The first child: only now it costs nothing to load `node:cluster`. */
  readonly #onStart = (): void => {
    unsubscribe(STARTS, this.#onStart);
    const { cluster } = loaded;
    if (!cluster.isPrimary) return;
    const onEnd = (worker: unknown): void => (this.#workers.delete(worker), this.#listenIfNeeded());
    cluster.on('listening', (worker) => (this.#workers.add(worker), this.#listenIfNeeded()));
    cluster.on('disconnect', onEnd).on('exit', onEnd);
  };

  /** For signals, while anything listens or drains. */
  #listenIfNeeded(): void {
    if (this.#drain !== undefined) return; // until its end
    if (this.#servers.size + this.#workers.size === 0) this.#stopListening?.();
    else this.#stopListening ??= this.#listen();
  }

  #listen(): () => void {
    const { signals } = this.#options;
    const stopMessages = onShutdownMessage(() => this.#onTold('shutdown'));
    for (const signal of signals) process.prependListener(signal, this.#onTold); // before a handler of the program's that closes its servers
    return () => {
      this.#stopListening = undefined;
      stopMessages();
      for (const signal of signals) process.off(signal, this.#onTold);
    };
  }

  readonly #onTold = (told: Told): void => {
    if (this.#drain?.isRepeated === true && this.#primaryEnds) return; // the primary has passed it on
    if (told !== 'shutdown' && !othersListen(told, this.#onTold)) this.#unheard = told;
    if (this.#drain !== undefined) return this.#drain.again(told);
    const drain = (this.#drain = new SignalDrain(told, {}, this.#options.drain));
    const listening = [...this.#servers].filter(([server, { draining }]) => (server.listening || draining) && !this.#handsOver(server)).map(([, drains]) => drains);
    const isProgramDrain = (drains: DrainableServer): boolean => isDrainedOnSignal(drains, told);
    for (const drains of listening) {
      if (!isProgramDrain(drains)) drain.add(drains);
      else process.nextTick(() => drain.add(drains)); // behind that, whose options win
    }
    void this.#end(drain, listening.some(isProgramDrain));
  };

  /** Its TLS goes to an HTTP server, where a request may be in work. */
  #handsOver(server: net.Server): boolean {
    return [...(this.#ownTls.get(server) ?? [])].some(isParsed);
  }

  async #end(drain: SignalDrain, byProgram: boolean): Promise<void> {
    const report = await drain.report();
    if (this.#options.log) writeLine(`drained ${JSON.stringify(report)}`);
    this.#stopListening?.();
    if (this.#unheard !== undefined) sendAgain(this.#unheard);
    else if (!byProgram && this.#primaryEnds) leavePrimary(); // which waits for its end
  }
}

/** Of plain ones nobody knows how to end their protocol. */
function isKnown(server: net.Server): boolean {
  return isServer(server) || isInstance(server, loaded.http.Server) || 'updateSettings' in server;
}

/** It ends the process. Where signal-exit does that, it hears of the signal in the next poll, and nothing else may be left that keeps the process alive for so long. */
function sendAgain(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
  inNextTurn(() => inNextTurn(() => {}));
}

/** At once: the process may end behind it. */
export function writeLine(line: string): void {
  try {
    writeSync(2, `tls-graceful-shutdown: ${line}\n`);
  } catch {
    // Nobody reads it any more, and that must not keep a process from its end.
  }
}
