/**
 * What `wrap` and `unwrap` need.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_releaseControl()` | a server's socket that `tls.Server` did not make tells of its errors | 0.11 | none after its handshake, none of its transport |
 * | `_handle.verifyError()` | whether a client's certificate holds, on a wrapped server socket | 0.11 | no certificate holds |
 * | `_readableState.flowing` | a transport that is given back by `unwrap` is as if nobody had read it | 0.10 | it is paused |
 * | `_handle.hasRef()` | whether a transport kept the process alive before it was kept for `unwrap` | 6 | it does again |
 */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** From now on its errors are emitted. `tls.connect` and `tls.Server` do this for their sockets; nobody does it for one of `new TLSSocket`. */
export function releaseErrors(socket: TLSSocket): void {
  const { _releaseControl } = socket as unknown as { _releaseControl?: unknown };
  if (typeof _releaseControl === 'function') _releaseControl.call(socket);
}

/** Why the peer's certificate does not hold; `undefined` if it does. */
export function verifyError(socket: TLSSocket): NodeJS.ErrnoException | undefined {
  const handle = (socket as unknown as { _handle?: { verifyError?(): unknown } | null })._handle;
  if (typeof handle?.verifyError !== 'function') return Object.assign(new Error("Can't tell whether the certificate holds"), { code: 'UNSPECIFIED' });
  return (handle.verifyError() as Error | null) ?? undefined;
}

/** Whether this socket keeps the process alive. */
export function hasRef(socket: net.Socket): boolean {
  const handle = (socket as unknown as { _handle?: { hasRef?(): unknown } | null })._handle;
  return typeof handle?.hasRef !== 'function' || handle.hasRef() === true;
}

/** Makes `readableFlowing` null, also of readable-stream 2 and 3: the first `'data'` listener, `pipe` or iterator starts it, as on a fresh stream. */
export function forgetFlow(stream: Duplex): void {
  const { _readableState: state } = stream as unknown as { _readableState?: { flowing?: unknown } };
  if (state !== undefined && 'flowing' in state) state.flowing = null;
}
