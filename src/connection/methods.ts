/**
 * The four methods of a watched socket that Node calls and that we put in front of its own: `push` (how did reading end?), `_final` (send our alert),
 * `_destroy` (who ended it, and why?) and `_tlsError`. They find the socket's connection under `CONNECTION`, which two copies of this package share. So only
 * one copy asks the transport: asked twice, it would call a bare FIN clean (see node/reading-end.ts).
 */
import type { TLSSocket } from 'node:tls';
import { setTlsErrorMethod, tlsErrorMethod, type TlsErrorMethod } from '../node/handle.js';

/** Its number changes when two versions of the package could no longer share a connection. */
export const CONNECTION = Symbol.for('tls-graceful-shutdown.connection.2');

export type FinalCallback = (error?: Error | null) => void;

/** What a connection does in their place. */
export interface Watcher {
  push(chunk: unknown, encoding: BufferEncoding | undefined): boolean;
  final(callback: FinalCallback): void;
  destroy(error: Error | null, callback: FinalCallback): void;
  tlsError(error: Error): unknown;
}

export type Watched<W extends Watcher = Watcher> = TLSSocket & { [CONNECTION]?: W };

/** What was there before. */
export interface Originals {
  readonly push: TLSSocket['push'];
  readonly final: TLSSocket['_final'];
  readonly destroy: TLSSocket['_destroy'];
  readonly tlsError: TlsErrorMethod | undefined;
}

export function putMethods(socket: TLSSocket): Originals {
  const originals = { push: socket.push, final: socket._final, destroy: socket._destroy, tlsError: tlsErrorMethod(socket) };
  socket.push = watchedPush;
  socket._final = watchedFinal;
  socket._destroy = watchedDestroy;
  if (originals.tlsError !== undefined) setTlsErrorMethod(socket, watchedTlsError);
  return originals;
}

export function watchedPush(this: Watched, chunk: unknown, encoding?: BufferEncoding): boolean {
  return this[CONNECTION]!.push(chunk, encoding);
}

function watchedFinal(this: Watched, callback: FinalCallback): void {
  this[CONNECTION]!.final(callback);
}

function watchedDestroy(this: Watched, error: Error | null, callback: FinalCallback): void {
  this[CONNECTION]!.destroy(error, callback);
}

function watchedTlsError(this: Watched, error: Error): unknown {
  return this[CONNECTION]!.tlsError(error);
}
