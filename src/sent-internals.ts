/**
 * What our half asks of Node: was our alert written? Read as defensively as in internals.ts.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_parent.bytesWritten` | whether the alert was written | 10 | `lost` is not told from `close_notify` |
 * | `_parent.writeQueueSize` | whether the kernel has it at once | 11 | `queued` when the socket is destroyed right behind |
 * | `_handle.writeQueueSize` | whether an alert was taken that the transport had not taken at once | 11 | a failed write of it is taken for one that was done |
 * | `_parent.getpeername()`, `_parent.fd` of a pipe | whether the transport is dead | 0.11 | learned where Node's shutdown answers ENOTCONN |
 * | `net.Socket.prototype._final` on a transport | ends it without an alert | 11 | `quiet` destroys at once |
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

/** Whether the TLS layer has written more than `before` bytes, and all of it is with the kernel. */
export function hasWritten(socket: TLSSocket, before: number): boolean {
  return ciphertextWritten(socket) > before && handleOf(socket)?._parent?.writeQueueSize === 0;
}

/**
 * Ends the transport's sending side without an alert, once all earlier writes are with the kernel; `false` if Node has no way.
 * `net.Socket.prototype._final` asks nothing of its receiver but these fields (Node 11 to 26), and goes past the TLS layer this way.
 */
export function endTransport(socket: TLSSocket, done: (error?: Error | null) => void): boolean {
  const parent = handleOf(socket)?._parent;
  if (parent === undefined || parent === null) return false;
  try {
    const final = net.Socket.prototype._final as (this: object, done: (error?: Error | null) => void) => void;
    final.call({ _handle: parent, connecting: false, pending: false, destroyed: false }, done);
    return true;
  } catch {
    return false;
  }
}
