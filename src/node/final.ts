/**
 * Node's `_final`, lent to other receivers: it tells the kernel's answer then, or ends a transport without an alert.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_parent.onwrite` over a `Duplex` | nothing of OpenSSL's is written while it is being ended, nor behind a quiet end | 8 | what OpenSSL writes there ends the process |
 * | `_parent.finishWrite(request, status)` over a `Duplex` | such a write is as if it was done | 8 | the same |
 * | `net.Socket.prototype._final` on a transport | ends it without an alert | 11 | `quiet` destroys at once; our half is known a turn later, so a drain may count it as `failed` |
 * | its `handle.shutdown(request)`, `request.oncomplete` | over TCP: the kernel's answer to `shutdown(2)`, ENOTCONN after a reset | 11 | each end of our half is known a turn later |
 */
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { handleOf, type Handle } from './handle.js';

/** `status` is the kernel's answer, 0 for success, where it is known. */
export type Done = (error?: Error | null, status?: number) => void;

export const nodeFinal: TLSSocket['_final'] = net.Socket.prototype._final;

interface ShutdownRequest {
  oncomplete: unknown;
}

const netFinal = net.Socket.prototype._final as (this: object, done: Done) => void;

/** What `netFinal` asks of its receiver (Node 11 to 26). */
const receiverOf = (handle: object): object => ({ _handle: handle, connecting: false, pending: false, destroyed: false });

/**
 * Node's `_final`, for this handle. `onRequest` gets what it gives to the handle's `shutdown`, right before. `false` if it does not call that: then nothing has
 * happened, and `done` is not called.
 */
function finalOf(handle: Handle, onRequest: (request: ShutdownRequest) => void, done: (error?: Error | null) => void): boolean {
  const shutdown = handle.shutdown!;
  let begun = false;
  handle.shutdown = (request) => {
    begun = true;
    onRequest(request as ShutdownRequest);
    return shutdown.call(handle, request);
  };
  try {
    netFinal.call(receiverOf(handle), (error) => {
      if (begun) done(error);
    });
  } catch (thrown) {
    if (begun) throw thrown;
  } finally {
    handle.shutdown = shutdown;
  }
  return begun;
}

/** What Node's `_final` gives to `shutdown`: nothing is ended. `undefined` if it gives nothing. */
export function finalRequest(): object | undefined {
  let given: object | undefined;
  finalOf({ shutdown: () => 0 } as Handle, (request) => (given = request), () => {});
  return given;
}

/**
 * Sends our alert and ends the transport, as `net.Socket.prototype._final` does. But it tells `done` the kernel's answer, which Node drops (20 to 26):
 * `shutdown(2)` fails with ENOTCONN after a reset. `false` if Node has no such way.
 */
export function endTold(socket: TLSSocket, done: Done): boolean {
  const tell = (request: ShutdownRequest): void => {
    if (typeof request.oncomplete === 'function') request.oncomplete = (status: number) => done(null, status);
  };
  return finalOf(handleOf(socket)!, tell, done);
}

/** Ends the transport's sending side without an alert, once all earlier writes are with the kernel; `false` if Node has no way. */
export function endTransport(socket: TLSSocket, done: (error?: Error | null) => void): boolean {
  const parent = handleOf(socket)?._parent;
  if (typeof parent?.shutdown !== 'function' || !finalOf(parent, () => {}, done)) return false;
  refuseWrites(parent);
  return true;
}

/**
 * OpenSSL writes an alert of its own about bytes that are no TLS. While a `Duplex` is being ended, that would fail an assertion of Node's, in a callback
 * where nobody can catch it (Node 20 to 26). And behind the end it would be a write after the end.
 */
function refuseWrites(parent: Handle): void {
  if (typeof parent.onwrite === 'function') parent.onwrite = () => -1; // any error
}

/**
 * OpenSSL writes by itself, too: it answers a KeyUpdate. While a `Duplex` is being ended, that fails the same assertion, and a peer could end the process by it. Behind
 * the end it is an error, and Node reads no more. It is dropped instead, as if it was written: nobody needs the answer any more. What comes before our alert, and the
 * alert, is written before that. The caller tells by what comes back that the `Duplex` has been ended.
 */
export function dropLateWrites(socket: TLSSocket): () => void {
  const parent = handleOf(socket)?._parent;
  const { onwrite, finishWrite } = (parent ?? {}) as { onwrite?: unknown; finishWrite?: unknown };
  if (!parent || typeof onwrite !== 'function' || typeof finishWrite !== 'function') return () => {};
  let hasEnded = false;
  const drop = (request: unknown): number => {
    setImmediate(() => {
      if (handleOf(socket)?._parent === parent) Reflect.apply(finishWrite, parent, [request, 0]);
    });
    return 0;
  };
  parent.onwrite = function (this: unknown, request: unknown, chunks: unknown): unknown {
    if (hasEnded) return drop(request);
    try {
      return Reflect.apply(onwrite, this, [request, chunks]);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ERR_INTERNAL_ASSERTION') throw thrown;
      return drop(request);
    }
  };
  return () => {
    hasEnded = true;
  };
}
