/**
 * What our half asks of Node: was our alert written? Read as defensively as in internals.ts.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_parent.bytesWritten` | whether the alert was written | 10 | `lost` is not told from `close_notify` |
 * | `_parent.writeQueueSize` | whether the kernel has it at once | 11 | `queued` when the socket is destroyed right behind |
 * | `_handle.writeQueueSize` | whether an alert was taken that the transport had not taken at once, or before the reset that ENOTCONN tells of | 11 | over TCP `lost` behind a reset; else a failed write of it is taken for one that was done |
 * | `_parent.getpeername()`, `_parent.fd` of a pipe | whether the transport is dead, where `shutdown(2)` does not tell, or not in time | 0.11 | learned where Node's shutdown answers ENOTCONN |
 * | `_handle._parentWrap._handle` over a `Duplex` | whether Node's `_final` may still run | 4 | it is run |
 * | `net.Socket.prototype._final` on a transport | ends it without an alert | 11 | `quiet` destroys at once |
 * | its `handle.shutdown(request)`, `request.oncomplete` | over TCP: ENOTCONN to `shutdown(2)` after a reset | 11 | each end of our half is known a turn later |
 */
import { writeSync } from 'node:fs';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { count, duplexUnder, handleOf, wrappedSocket, type Handle } from './internals.js';

/** Whether the transport's sending side was ended past the TLS layer: what that writes then is counted all the same, and lost. */
export function transportEnded(socket: TLSSocket): boolean {
  const under = duplexUnder(socket) ?? wrappedSocket(socket);
  return under !== undefined && (under.destroyed || (under.writableEnded && under.writableLength === 0));
}

/** The handle of the TLS layer that writes to the transport: of TLS in TLS, the outermost. */
function bottomOf(socket: TLSSocket): Handle | undefined {
  let handle = handleOf(socket);
  while (handle?._parent?._parent) handle = handle._parent;
  return handle;
}

const ADDRESS = {};
const NOTHING = Buffer.alloc(0);

/**
 * Whether the kernel would refuse what is written now: the peer has reset the connection. Once a TLS layer is at its end, it passes no error of its
 * transport on, neither ECONNRESET nor the EPIPE of a write (Node 20 to 26). After a reset TCP has no peer name; a Unix socket whose peer is closed
 * refuses also a write of nothing.
 */
export function transportGone(socket: TLSSocket): boolean {
  const transport = bottomOf(socket)?._parent;
  if (typeof transport?.getpeername === 'function') return transport.getpeername(ADDRESS) !== 0;
  if (transport?.constructor.name !== 'Pipe' || typeof transport.fd !== 'number' || transport.fd < 0) return false;
  try {
    writeSync(transport.fd, NOTHING);
    return false;
  } catch (error) {
    return ['EPIPE', 'ECONNRESET', 'ENOTCONN'].includes(String((error as NodeJS.ErrnoException).code));
  }
}

/** Whether the transport is TCP, directly: whoever ends it is told of a reset (see `endTold`). */
export function isTcp(socket: TLSSocket): boolean {
  const transport = handleOf(socket)?._parent;
  return !transport?._parent && typeof transport?.getpeername === 'function';
}

/** Ciphertext bytes that the TLS layer has made and that were not written, as far as it knows: it learns it in a later turn. */
export function ciphertextHeld(socket: TLSSocket): number {
  return count(bottomOf(socket)?.writeQueueSize);
}

/** Whether the kernel has taken everything that was written to it; a Duplex never tells. */
export function takesAtOnce(socket: TLSSocket): boolean {
  return bottomOf(socket)?._parent?.writeQueueSize === 0;
}

/** Bytes that were given to the transport under all TLS layers, with those that it has refused. */
export function transportWritten(socket: TLSSocket): number {
  return count(bottomOf(socket)?._parent?.bytesWritten);
}

/** Ciphertext bytes that the TLS layer wrote so far; `NaN` if it can't be told. */
export function ciphertextWritten(socket: TLSSocket): number {
  return count(handleOf(socket)?._parent?.bytesWritten);
}

/** What the TLS layer has made: what it has written to its transport, and what waits to be. */
export interface Ciphertext {
  readonly written: number;
  readonly waiting: number;
}

export function ciphertextMade(socket: TLSSocket): Ciphertext {
  return { written: ciphertextWritten(socket), waiting: count(handleOf(socket)?.writeQueueSize) };
}

/** Whether the TLS layer has made something since `before`. */
export function hasMadeMore(socket: TLSSocket, before: Ciphertext): boolean {
  const now = ciphertextMade(socket);
  return now.written > before.written || now.waiting > before.waiting;
}

/** The `net.Socket` that Node puts around a `Duplex` has been closed. Its shutdown would fail an assertion that nobody can catch (Node 20 to 26). */
export function duplexClosed(socket: TLSSocket): boolean {
  const wrap = handleOf(socket)?._parentWrap as { _handle?: unknown } | null | undefined;
  return duplexUnder(socket) !== undefined && wrap?._handle === null;
}

/** Whether the TLS layer has written more than `before` bytes, and all of it is with the kernel. */
export function hasWritten(socket: TLSSocket, before: number): boolean {
  return ciphertextWritten(socket) > before && handleOf(socket)?._parent?.writeQueueSize === 0;
}

/** `status` is libuv's error number, 0 for success. */
export type ShutdownCallback = (error?: Error | null, status?: number) => void;

interface ShutdownRequest {
  oncomplete: unknown;
  callback: ShutdownCallback;
}

const netFinal = net.Socket.prototype._final as (this: object, done: ShutdownCallback) => void;

/** What `netFinal` asks of its receiver (Node 11 to 26). */
const receiverWith = (handle: object): object => ({ _handle: handle, connecting: false, pending: false, destroyed: false });

/** The call of `endTold` that is running. */
let shuttingDown: Handle | undefined;
let whenShutDown: ShutdownCallback;

const tellingReceiver = receiverWith({
  shutdown(request: ShutdownRequest): unknown {
    const handle = shuttingDown!;
    shuttingDown = undefined;
    request.oncomplete = onShutdown;
    request.callback = whenShutDown;
    return handle.shutdown!(request);
  },
});

function onShutdown(this: ShutdownRequest, status: number): void {
  this.callback(null, status);
}

/**
 * Sends our alert and ends the transport as `net.Socket.prototype._final` does, but tells `done` what the kernel answered, which Node drops (20 to 26).
 * `shutdown(2)` fails with ENOTCONN after a reset. `false` if Node has no such way.
 */
export function endTold(socket: TLSSocket, done: ShutdownCallback): boolean {
  shuttingDown = handleOf(socket);
  whenShutDown = done;
  try {
    netFinal.call(tellingReceiver, done);
    return true;
  } catch (thrown) {
    if (shuttingDown === undefined) throw thrown; // it has begun
    return false;
  } finally {
    shuttingDown = undefined;
  }
}

/** Ends the transport's sending side without an alert, once all earlier writes are with the kernel; `false` if Node has no way. */
export function endTransport(socket: TLSSocket, done: (error?: Error | null) => void): boolean {
  const parent = handleOf(socket)?._parent;
  if (parent === undefined || parent === null) return false;
  try {
    netFinal.call(receiverWith(parent), done);
    return true;
  } catch {
    return false;
  }
}
