/**
 * What touches undocumented Node; for our own half, sent-internals.ts does, for `wrap`, wrap-internals.ts, of servers, drain/internals.ts. Every field is read defensively: where one is missing or is not what it was, the answer is
 * "can't tell", never a guess. Checked on Node 20.20, 22.23, 24.21 and 26.12 (test/verdict.test.ts, test/forgery.test.ts).
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `socket._handle` | the TLS layer under the socket | always | every end is `unverified` |
 * | `_handle._parent` | the transport's handle: asked whether it is still being read | 0.11 | every end is `unverified`; `quiet` destroys at once |
 * | `_handle.reading` | false: JS has stopped reading | 10 | such an end is asked for as any other |
 * | `_handle.readStart()` | 0 without asking the transport: the TLS layer is at its end | 12 | every end is `unverified` |
 * | `_handle._parentWrap.stream` | the `Duplex` under a socket that has no handle | 4 | every such end is `unverified` |
 * | `_handle._parentWrap` | the `net.Socket` of a server's connection | 4 | as if its server was not watched |
 * | `_parent.bytesRead`, `_handle.bytesRead` | whether a hidden alert may have come | 10 | a FIN under TLS 1.3 is `unverified` |
 * | `_readableState.ended` | the end came, and unread data hides it | always | asked of `readableEnded` only |
 * | `secureConnecting` | whether the handshake runs; public in effect, but not documented | 0.11 | taken for finished |
 * | `_secureEstablished` | whether it has finished, on a socket of `new TLSSocket(_, { isServer: true })` | 0.11 | such a one is always in its handshake |
 * | `_tlsError(error)` | called at every TLS error; Node emits it and destroys nothing | 0.11 | learned at `'error'`, from the first call on |
 * | `_hadError` | whether there was one before anybody watched | 0.11 | such an end is asked for as any other |
 * | `_handle.onread` named `freeSocketOnReadGuard` | `http.Agent` destroys its free sockets at whatever they read | 26 | closing a free socket is `CLOSED` there |
 * | `onStreamRead` on the stack | whether an end comes from Node or from the application (read-callback.ts) | 12 | such an end is `unverified` |
 * | a `Symbol(kBoundSession)` on the socket | HTTP/2 has taken its reading over | 8.4 | `alpnProtocol` only |
 */
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { type TLSSocket } from 'node:tls';
import { getSystemErrorMap } from 'node:util';

export interface Handle {
  reading?: unknown;
  bytesRead?: unknown;
  bytesWritten?: unknown;
  writeQueueSize?: unknown;
  _parent?: Handle | null;
  _parentWrap?: { stream?: Duplex } | null;
  onread?: unknown;
  fd?: unknown;
  getpeername?(address: object): unknown;
  readStart?(): unknown;
  readStop?(): unknown;
  shutdown?(request: object): unknown;
}

let ealready: number | undefined;

/** By libuv's number; `os.constants.errno` has the C library's, which differs on Windows. It is looked up at the first end of reading, as that takes 0.2 ms. */
function isEALREADY(answer: unknown): boolean {
  ealready ??= [...getSystemErrorMap()].find(([, [name]]) => name === 'EALREADY')?.[0] ?? NaN;
  return answer === ealready;
}

/** How an end of reading looks at first. `ended`: TLS ended by itself, by `close_notify` or behind a fatal alert (see feed-and-ask.ts). */
export type Look = 'ended' | 'fin' | 'unverified';

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

export function setTlsErrorMethod(socket: TLSSocket, method: TlsErrorMethod): void {
  (socket as unknown as { _tlsError: TlsErrorMethod })._tlsError = method;
}

/** Whether a TLS error has ended the connection; Node reports only the first. */
export function hadTlsError(socket: TLSSocket): boolean {
  return (socket as unknown as { _hadError?: unknown })._hadError === true;
}

export function handleOf(socket: TLSSocket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}

/** The `Duplex` that carries the TLS records, if the transport is not one of Node's own handles. */
export function duplexUnder(socket: TLSSocket): Duplex | undefined {
  return handleOf(socket)?._parentWrap?.stream;
}

/** The `net.Socket` that a server's TLS socket was made of. */
export function wrappedSocket(socket: TLSSocket): net.Socket | undefined {
  const wrap = handleOf(socket)?._parentWrap;
  return wrap instanceof net.Socket ? wrap : undefined;
}

type Transport = 'kernel' | 'tls' | 'other';

function transportOf(handle: Handle): Transport {
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

/** nghttp2 stops the reading natively, so neither `reading` nor a stopped transport says anything there. */
function isReadByHttp2(socket: TLSSocket): boolean {
  return socket.alpnProtocol === 'h2' || Object.getOwnPropertySymbols(socket).some((symbol) => symbol.description === 'kBoundSession');
}

/**
 * Asked at `push(null)`, with the native read still on the stack: how did it end?
 *
 * TLS ended by itself if the TLS layer is at its end while its transport is not. `handle.readStart()` answers 0 at once if the
 * TLS layer is at its end and otherwise asks the transport; the transport's `readStart()` answers EALREADY if it is being read, while
 * libuv stops reading a transport before it reports the FIN. A `push(null)` by anybody else fails the first half.
 */
export function lookAtEnd(socket: TLSSocket, duplexEnded: boolean, foreignPush = false): Look {
  try {
    const handle = handleOf(socket);
    if (handle === undefined) return 'unverified';
    const duplex = handle._parentWrap?.stream;
    // readable-stream 2 and 3 have no readableEnded, and undefined is not false: there only a listener that was there in time counts.
    if (duplex !== undefined) return duplexLook(duplex, duplexEnded);
    const transport = transportOf(handle);
    if (transport === 'other') return 'unverified';
    const stoppedByUs = handle.reading === false;
    const parent = handle._parent!;
    const first = parent.readStart!();
    if (isEALREADY(first)) return handle.readStart!() === 0 ? 'ended' : 'unverified';
    if (first !== 0) return 'unverified';
    // It had stopped, and the asking has re-armed it: who asks next would be told EALREADY for a bare FIN. So it is undone at once.
    const second = parent.readStart!();
    const atEnd = handle.readStart!() === 0;
    parent.readStop!();
    if (!atEnd || isReadByHttp2(socket)) return 'unverified';
    // A TLS layer at its end answers 0 every time: an outer one that has ended. 0, then EALREADY: it was merely stopped.
    if (transport === 'tls') return second === 0 ? 'fin' : isEALREADY(second) ? 'ended' : 'unverified';
    // Back-pressure: JS stopped the transport within this very read, so the kernel's FIN can't have been delivered. (That a `push` over ours has not kept
    // the end back until then is not known.)
    return !stoppedByUs ? 'fin' : foreignPush ? 'unverified' : 'ended';
  } catch {
    return 'unverified'; // a field is missing or is no function any more
  }
}

/** After an end of the transport: libuv reads it once more, and stops by itself. */
export function readAgain(socket: TLSSocket): void {
  handleOf(socket)?._parent?.readStart?.();
}

/** Whether this is a free socket of an `http.Agent` that destroys it when it reads anything, an end too: then there is no `push(null)`. */
export function destroysAtRead(socket: TLSSocket): boolean {
  const onread = handleOf(socket)?.onread;
  return typeof onread === 'function' && onread.name === 'freeSocketOnReadGuard';
}

function duplexLook(duplex: Duplex, ended: boolean): Look {
  if (ended || duplex.readableEnded === true) return 'fin';
  return duplex.readableEnded === false || duplex.listeners('end').some((listener) => listener.name === DUPLEX_LISTENER) ? 'ended' : 'unverified';
}

/** The name of the `'end'` listener that watch.ts puts on a `Duplex`; it tells that somebody of us listened in time. */
export const DUPLEX_LISTENER = 'tlsShutdownDuplexOnEnd';

/**
 * Asked when the end came before anybody watched: is the transport still being read? Only two yeses with a whole poll between them are a
 * proof, since after a FIN any `readStart()` of the transport reads EALREADY until the next poll.
 */
export function stillReadsAfterEnd(socket: TLSSocket): boolean {
  try {
    const handle = handleOf(socket);
    if (handle === undefined || handle._parentWrap?.stream !== undefined || transportOf(handle) === 'other') return false;
    const answer = handle._parent!.readStart!();
    if (answer === 0) handle._parent!.readStop!();
    return isEALREADY(answer) && handle.readStart!() === 0;
  } catch {
    return false;
  }
}

/** Whether the end of the readable side has come, also when unread data keeps `'end'` from being emitted. */
export function readSideEnded(socket: TLSSocket): boolean {
  const state = (socket as unknown as { _readableState?: { ended?: unknown } })._readableState;
  return socket.readableEnded || state?.ended === true;
}

export function count(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

/** Ciphertext bytes that the TLS layer was given so far; `NaN` if it can't be told. */
export function ciphertextRead(socket: TLSSocket): number {
  return count(handleOf(socket)?._parent?.bytesRead);
}

/** Plaintext bytes that the TLS layer gave out so far; `NaN` if it can't be told. */
export function plaintextRead(socket: TLSSocket): number {
  return count(handleOf(socket)?.bytesRead);
}
