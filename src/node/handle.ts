/**
 * The handle of a TLS socket and what is under it. All that the package touches of undocumented Node is in this folder. Each file has a table of it: why, since
 * when, and what happens when it is gone. A missing field, an unknown number or an ambiguity is "can't tell", never a guess.
 * Checked on Node 20.20, 22.23, 24.22 and 26.12.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `socket._handle` | the TLS layer under the socket | always | every end is `unverified` |
 * | `_handle._parent` | the transport's handle | 0.11 | every end is `unverified`; `quiet` destroys at once |
 * | the class of `_parent`: `TCP`, `Pipe`, `TLSWrap` | the kind of transport | 0.11 | every end is `unverified` |
 * | `_handle._parentWrap.stream` | the `Duplex` under a socket that has no handle | 4 | every such end is `unverified` |
 * | `_handle._parentWrap` | the `net.Socket` of a server's connection | 4 | as if its server was not watched |
 * | `_parent.bytesRead`, `_handle.bytesRead` | whether a hidden alert may have come | 10 | a FIN under TLS 1.3 is `unverified` |
 * | `writeQueueSize` of any of them | what it has not handed on yet | 11 | no proof of a clean end; a failed write of our alert is taken for one that was done |
 * | `_readableState.ended` | the end came, and unread data hides it | always | asked of `readableEnded` only |
 * | `secureConnecting` | whether the handshake runs; public in effect, but not documented | 0.11 | taken for finished |
 * | `_secureEstablished` | whether it has finished, on a socket of `new TLSSocket(_, { isServer: true })` | 0.11 | such a one is always in its handshake |
 * | `_tlsError(error)` | called at every TLS error; Node emits it and destroys nothing | 0.11 | learned at `'error'`, from the first call on |
 * | `_hadError` | whether there was one before anybody watched | 0.11 | such an end is asked for as any other |
 */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface Handle {
  reading?: unknown;
  bytesRead?: unknown;
  bytesWritten?: unknown;
  writeQueueSize?: unknown;
  _parent?: Handle | null;
  _parentWrap?: { stream?: unknown } | null;
  onread?: unknown;
  onwrite?: unknown;
  fd?: unknown;
  getpeername?(address: object): unknown;
  readStart?(): unknown;
  readStop?(): unknown;
  shutdown?(request: object): unknown;
}

/** Whether the handshake is not finished yet. */
export function inHandshake(socket: TLSSocket): boolean {
  const { secureConnecting, _secureEstablished } = socket as unknown as { secureConnecting?: unknown; _secureEstablished?: unknown };
  // secureConnecting stays true on a server's socket that tls.Server did not make (Node 20 to 26).
  return secureConnecting === true && _secureEstablished !== true;
}

export type TlsErrorMethod = (this: TLSSocket, error: Error) => unknown;

export function tlsErrorMethod(socket: TLSSocket): TlsErrorMethod | undefined {
  const method = (socket as unknown as { _tlsError?: unknown })._tlsError;
  return typeof method === 'function' ? (method as TlsErrorMethod) : undefined;
}

/** Its name. */
export const TLS_ERROR = '_tlsError';

/** Whether a TLS error has ended the connection; Node reports only the first. */
export function hadTlsError(socket: TLSSocket): boolean {
  return (socket as unknown as { _hadError?: unknown })._hadError === true;
}

export function handleOf(socket: TLSSocket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}

/** The `Duplex` that carries the TLS records, if the transport is not one of Node's own handles. */
export function duplexUnder(socket: TLSSocket): Duplex | undefined {
  const handle = handleOf(socket);
  return handle && duplexOf(handle);
}

/** The same of a handle. It need not be Node's own class, but has to be a stream. */
export function duplexOf(handle: Handle): Duplex | undefined {
  const stream = handle._parentWrap?.stream as Partial<Duplex> | null | undefined;
  return typeof stream?.prependListener === 'function' && typeof stream.write === 'function' ? (stream as Duplex) : undefined;
}

/** The `net.Socket` that a server's TLS socket was made of. */
export function wrappedSocket(socket: TLSSocket): net.Socket | undefined {
  const wrap = handleOf(socket)?._parentWrap;
  return wrap instanceof net.Socket ? wrap : undefined;
}

export type Transport = 'kernel' | 'tls' | 'other';

/** What is under this handle: TCP or a Unix socket, another TLS layer, or anything else. */
export function transportOf(handle: Handle): Transport {
  const parent = handle._parent;
  if (parent === undefined || parent === null) return 'other';
  const name = (parent as object).constructor.name;
  if (name === 'TCP' || name === 'Pipe') return 'kernel';
  return name === 'TLSWrap' && transportOf(parent) !== 'other' ? 'tls' : 'other';
}

/** Whether the transport is TCP or a Unix socket, directly. */
export function isKernelTransport(socket: TLSSocket): boolean {
  const handle = handleOf(socket);
  return handle !== undefined && transportOf(handle) === 'kernel';
}

/** Whether the end of the readable side has come, also when unread data keeps `'end'` from being emitted. */
export function readSideEnded(socket: TLSSocket): boolean {
  const state = (socket as unknown as { _readableState?: { ended?: unknown } })._readableState;
  return socket.readableEnded || state?.ended === true;
}

/** TLS has failed, or its end has come: what still comes is nobody's. */
export function readsNoMore(socket: TLSSocket): boolean {
  return hadTlsError(socket) || readSideEnded(socket);
}

export function count(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

/** Bytes that this handle has not handed on yet: a TLS layer to its transport, a transport to the kernel. */
export function waitingBytes(handle: Handle | null | undefined): number {
  return count(handle?.writeQueueSize);
}

/**
 * Whether Node has not heard yet of a write of its own, such as the GOAWAY of an HTTP/2 session: it hears a turn later, also if the kernel has taken it.
 * Until then its TLS layer hands out nothing more, and an end in that turn would put the FIN before our alert (Node 20 to 26).
 */
export function isWriting(socket: TLSSocket): boolean {
  return isKernelTransport(socket) && waitingBytes(handleOf(socket)) > 0;
}

/** Ciphertext bytes that the TLS layer was given so far; `NaN` if it can't be told. */
export function ciphertextRead(socket: TLSSocket): number {
  return count(handleOf(socket)?._parent?.bytesRead);
}

/** Plaintext bytes that the TLS layer gave out so far; `NaN` if it can't be told. */
export function plaintextRead(socket: TLSSocket): number {
  return count(handleOf(socket)?.bytesRead);
}
