/**
 * The methods of a watched socket that Node calls and that we put in front of its own. Each is one function for all sockets: a closure for
 * each would be measurable. They find the socket's watch under `WATCH`, which two copies of this package share.
 */
import { AsyncResource } from 'node:async_hooks';
import { TLSSocket } from 'node:tls';
import { keepHiddenClass } from './hidden-class.js';
import { setTlsErrorMethod, tlsErrorMethod, type TlsErrorMethod } from './internals.js';
import { outsideReads } from './outside-reads.js';
import { inNextTurn } from './turn.js';

/** Its number changes when two versions of the package could no longer share a watch. */
export const WATCH = Symbol.for('tls-graceful-shutdown.watch.1');

export type FinalCallback = (error?: Error | null) => void;

/** What a watch does in their place. */
export interface Watcher {
  /** Its `end()` is being called outside of read callbacks. */
  readonly ending: boolean;
  /** The end of reading has come, so an `end()` can lose nothing. */
  readonly hasRead: boolean;
  /** What `_final` was called with in a turn that may be that of a read callback. */
  finalWaits: FinalCallback | undefined;
  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean;
  final(callback: FinalCallback): void;
  destroy(error: Error | null, callback: FinalCallback): void;
  tlsError(error: Error): unknown;
  onError(error: Error): void;
}

export type Shadowed<W extends Watcher = Watcher> = TLSSocket & { [WATCH]?: W };

/** What was there before. */
export interface Originals {
  readonly push: TLSSocket['push'];
  readonly final: TLSSocket['_final'];
  readonly destroy: TLSSocket['_destroy'];
  readonly tlsError: TlsErrorMethod | undefined;
}

/** Those of a socket that nobody else has changed: one object for all of them. */
const UNCHANGED = originalsOf(TLSSocket.prototype);

function originalsOf(socket: TLSSocket): Originals {
  return { push: socket.push, final: socket._final, destroy: socket._destroy, tlsError: tlsErrorMethod(socket) };
}

function isUnchanged(socket: TLSSocket): boolean {
  const { push, final, destroy, tlsError } = UNCHANGED;
  return socket.push === push && socket._final === final && socket._destroy === destroy && tlsErrorMethod(socket) === tlsError;
}

export function shadow(socket: TLSSocket): Originals {
  const originals = isUnchanged(socket) ? UNCHANGED : originalsOf(socket);
  socket.push = watchedPush;
  socket._final = watchedFinal;
  socket._destroy = watchedDestroy;
  if (originals.tlsError !== undefined) setTlsErrorMethod(socket, watchedTlsError);
  return originals;
}

export function watchedPush(this: Shadowed, chunk: unknown, encoding?: BufferEncoding): boolean {
  return this[WATCH]!.push(chunk, encoding);
}

/** Also an `end()` of somebody else, called in a read callback, does not run there: that would lose inbound data (see turn.ts). */
function watchedFinal(this: Shadowed, callback: FinalCallback): void {
  const watcher = this[WATCH]!;
  if (watcher.ending || watcher.hasRead || outsideReads()) return watcher.final(callback);
  watcher.finalWaits = callback;
  finalLater(watcher);
}

/** The context is that of who called `end()`. */
function finalLater(watcher: Watcher): void {
  inNextTurn(AsyncResource.bind(() => finalNow(watcher), 'TLSSHUTDOWN'), undefined);
}

/** `_final`, if it waits. */
export function finalNow(watcher: Watcher): void {
  const callback = watcher.finalWaits;
  watcher.finalWaits = undefined;
  if (callback === undefined) return;
  try {
    watcher.final(callback);
  } catch (thrown) {
    callback(thrown as Error); // as Node does with what an application's own method throws
  }
}

function watchedDestroy(this: Shadowed, error: Error | null, callback: FinalCallback): void {
  keepHiddenClass(this);
  this[WATCH]!.destroy(error, callback);
}

function watchedTlsError(this: Shadowed, error: Error): unknown {
  return this[WATCH]!.tlsError(error);
}
