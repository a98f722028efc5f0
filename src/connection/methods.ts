/**
 * The four methods of a watched socket that Node calls and that we put in front of its own: `push` (how did reading end?), `_final` (send our alert),
 * `_destroy` (who ended it, and why?) and `_tlsError`. Two copies of this package share one connection on the socket. So only one of them asks the transport:
 * asked twice, it would call a bare FIN clean (see node/reading-end.ts). A copy of another version keeps a connection of its own, and asks nothing.
 */
import type { TLSSocket } from 'node:tls';
import { argumentError } from '../arguments.js';
import { TLS_ERROR, tlsErrorMethod, type TlsErrorMethod } from '../node/handle.js';

const CONNECTION = Symbol.for('tls-graceful-shutdown.connection');
/** It changes when two versions of the package could no longer share a connection. */
const VERSION = 1;

export type FinalCallback = (error?: Error | null) => void;

/** What a connection does in their place. */
export interface Watcher {
  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean;
  final(callback: FinalCallback): void;
  destroy(error: Error | null, callback: FinalCallback): void;
  tlsError(error: Error): unknown;
}

type Watched = TLSSocket & { [CONNECTION]?: { readonly version: number; readonly watcher: Watcher } };

/** Of sockets that another version of this package watches, too. */
const notShared = new WeakMap<TLSSocket, Watcher>();

/** Keeps `watcher` on the socket; `false` if another version has one there. */
export function keep(socket: TLSSocket, watcher: Watcher): boolean {
  const isFirst = (socket as Watched)[CONNECTION] === undefined;
  if (isFirst) (socket as Watched)[CONNECTION] = { version: VERSION, watcher };
  else notShared.set(socket, watcher);
  return isFirst;
}

export function watcherOf(socket: TLSSocket): Watcher | undefined {
  const record = (socket as Watched)[CONNECTION];
  return record?.version === VERSION ? record.watcher : notShared.get(socket);
}

/** What was there before. */
export interface Originals {
  readonly push: TLSSocket['push'];
  readonly final: TLSSocket['_final'];
  readonly destroy: TLSSocket['_destroy'];
  readonly tlsError: TlsErrorMethod | undefined;
}

export function putMethods(socket: TLSSocket): Originals {
  const originals = { push: socket.push, final: socket._final, destroy: socket._destroy, tlsError: tlsErrorMethod(socket) };
  for (const name of METHODS.keys()) if (isFixed(socket, name)) throw argumentError('socket', `one whose ${name} can be replaced`, socket, 'ERR_INVALID_ARG_VALUE');
  for (const [name, method] of METHODS) if (name !== TLS_ERROR || originals.tlsError !== undefined) define(socket, name, method);
  return originals;
}

function isFixed(target: object, name: PropertyKey): boolean {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return own?.configurable === false && own.writable !== true;
}

function define(target: object, name: PropertyKey, value: unknown): void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, own?.configurable === false ? { value } : { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Puts a method of ours on it. What comes back takes it off again, unless somebody has put another one there since.
 * No assignment: that fails where the application, or its tool for monitoring, has defined the method by a getter, or as one that can't be assigned to.
 * One that can't be changed at all stays.
 */
export function putMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): () => void {
  if (isFixed(target, name)) return () => {};
  const own = Object.getOwnPropertyDescriptor(target, name);
  define(target, name, method);
  return () => {
    if (target[name] !== method) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

export function watchedPush(this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
  return watcherOf(this)!.push(chunk, encoding);
}

function watchedFinal(this: TLSSocket, callback: FinalCallback): void {
  watcherOf(this)!.final(callback);
}

function watchedDestroy(this: TLSSocket, error: Error | null, callback: FinalCallback): void {
  watcherOf(this)!.destroy(error, callback);
}

function watchedTlsError(this: TLSSocket, error: Error): unknown {
  return watcherOf(this)!.tlsError(error);
}

const METHODS = new Map<string, unknown>([
  ['push', watchedPush],
  ['_final', watchedFinal],
  ['_destroy', watchedDestroy],
  [TLS_ERROR, watchedTlsError],
]);
