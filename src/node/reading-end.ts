/**
 * How did reading end? Node tells a `close_notify` from a FIN by no public event or field.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `_parent.readStart()`, `readStop()` | whether the transport is still being read | 0.11 | every end is `unverified` |
 * | `_handle.readStop()` | nothing is read any more, while a destroyed socket waits for a turn | 0.11 | what comes in that turn throws |
 * | `_handle.readStart()` | 0 without asking the transport: the TLS layer is at its end | 12 | every end is `unverified` |
 * | `_handle.reading` | false: JS has stopped reading | 10 | such an end is asked for as any other |
 * | `_handle.onread` named `freeSocketOnReadGuard` | `http.Agent` destroys its free sockets at whatever they read | 26 | closing a free socket is `CLOSED` there |
 * | a `Symbol(kBoundSession)` on the socket | HTTP/2 has taken its reading over | 8.4 | `alpnProtocol` only |
 */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getSystemErrorMap } from 'node:util';
import { duplexOf, handleOf, transportOf, type Handle } from './handle.js';

let ealready: number | undefined;

/** By libuv's number; `os.constants.errno` has the C library's, which differs on Windows. */
function isEALREADY(answer: unknown): boolean {
  ealready ??= [...getSystemErrorMap()].find(([, [name]]) => name === 'EALREADY')?.[0] ?? NaN;
  return answer === ealready;
}

/** How an end of reading looks at first. `ended`: TLS ended by itself, by `close_notify` or behind a fatal alert (see feed-and-ask.ts). */
export type Look = 'ended' | 'fin' | 'unverified';

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
    const duplex = duplexOf(handle);
    // readable-stream 2 and 3 have no readableEnded, and undefined is not false. There only a listener counts that was there in time.
    if (duplex !== undefined) return duplexLook(duplex, duplexEnded);
    const transport = transportOf(handle);
    if (transport === 'other' || !canAsk(handle._parent)) return 'unverified';
    const stoppedByUs = handle.reading === false;
    const parent = handle._parent!;
    const first = parent.readStart!();
    if (isEALREADY(first)) return handle.readStart!() === 0 ? 'ended' : 'unverified';
    if (first !== 0) return 'unverified';
    // The transport had stopped, and the asking has started it again. The next to ask would be told EALREADY for a bare FIN, so we stop it at once.
    const second = parent.readStart!();
    const atEnd = handle.readStart!() === 0;
    parent.readStop!();
    if (!atEnd || isReadByHttp2(socket)) return 'unverified';
    // An outer TLS layer that is at its end answers 0 every time. One that was merely stopped answers 0, then EALREADY.
    if (transport === 'tls') return second === 0 ? 'fin' : isEALREADY(second) ? 'ended' : 'unverified';
    // Back-pressure: JS stopped the transport within this very read, so the kernel's FIN can't have been delivered. (But a `push` over ours may have kept the
    // end back until now.)
    return !stoppedByUs ? 'fin' : foreignPush ? 'unverified' : 'ended';
  } catch {
    return 'unverified'; // a field is missing or is no function any more
  }
}

/** Whether this transport has ended: libuv stops its reading before it reports the end, but not before an error. Asking starts it again, so that is undone. */
export function hasEnded(transport: Handle): boolean {
  const isStopped = canAsk(transport) && ask(transport, 'readStart') === 0;
  if (isStopped) ask(transport, 'readStop');
  return isStopped;
}

/** A method of a handle that may be missing, or no method any more. */
export function ask(handle: Handle | null | undefined, name: 'readStart' | 'readStop'): unknown {
  const method = handle?.[name];
  return typeof method === 'function' ? method.call(handle) : undefined;
}

/** What could not be undone is not asked. */
function canAsk(transport: Handle | null | undefined): boolean {
  return typeof transport?.readStart === 'function' && typeof transport.readStop === 'function';
}

/** After an end of the transport: libuv reads it once more, and stops by itself. */
export function readAgain(socket: TLSSocket): void {
  ask(handleOf(socket)?._parent, 'readStart');
}

/** Node throws at data that comes between a socket's `destroy()` and the end of its handle (20 to 26), and nobody can catch that. */
export function stopReading(socket: TLSSocket): void {
  ask(handleOf(socket), 'readStop');
}

/** Whether this is a free socket of an `http.Agent`, which destroys it at whatever it reads. At an end too, so there is no `push(null)`. */
export function destroysAtRead(socket: TLSSocket): boolean {
  const onread = handleOf(socket)?.onread;
  return typeof onread === 'function' && onread.name === 'freeSocketOnReadGuard';
}

function duplexLook(duplex: Duplex, ended: boolean): Look {
  if (ended || duplex.readableEnded === true) return 'fin';
  return duplex.readableEnded === false || duplex.listeners('end').some((listener) => listener.name === DUPLEX_LISTENER) ? 'ended' : 'unverified';
}

/** The name of our `'end'` listener on a `Duplex`. By it another copy of this package sees that somebody listened in time. */
const DUPLEX_LISTENER = 'tlsShutdownDuplexOnEnd';

/** Did the `Duplex` under a TLS socket end? Listens before Node does, whose own listener ends the TLS layer. */
export class DuplexEnd {
  seen: boolean;
  readonly #duplex: Duplex;
  readonly #listener: () => void;

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
    this.seen = duplex.readableEnded === true;
    this.#listener = Object.defineProperty(() => void (this.seen = true), 'name', { value: DUPLEX_LISTENER });
    duplex.prependListener('end', this.#listener);
  }

  stop(): void {
    this.#duplex.off('end', this.#listener);
  }
}

/**
 * Asked when the end came before anybody watched: is the transport still being read? Only two yeses with a whole poll between them are a
 * proof, since after a FIN any `readStart()` of the transport reads EALREADY until the next poll.
 */
export function stillReadsAfterEnd(socket: TLSSocket): boolean {
  try {
    const handle = handleOf(socket);
    if (handle === undefined || duplexOf(handle) !== undefined || transportOf(handle) === 'other' || !canAsk(handle._parent)) return false;
    const answer = handle._parent!.readStart!();
    if (answer === 0) handle._parent!.readStop!();
    return isEALREADY(answer) && handle.readStart!() === 0;
  } catch {
    return false;
  }
}

