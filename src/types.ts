import type * as net from 'node:net';
import type { ShutdownErrorCode, TlsShutdownError } from './errors.js';

/** The return values of `SSL_shutdown(3)`: 1 both alerts are exchanged, 0 ours is out and the peer's is not in yet, -1 it failed. */
export type ShutdownReturn = 1 | 0 | -1;

/**
 * Our half of the closure.
 *
 * - `open`: nothing of the closure has been sent.
 * - `queued`: the alert waits behind data that was written before it.
 * - `close_notify`: the alert and the transport's FIN were handed to the kernel.
 * - `quiet`: the transport was ended without an alert.
 * - `lost`: the transport was ended, but OpenSSL did not write the alert.
 */
export type SentState = 'open' | 'queued' | 'close_notify' | 'quiet' | 'lost';

/**
 * The peer's half of the closure.
 *
 * - `open`: the peer has not ended its side.
 * - `close_notify`: the peer's authentic alert was seen. Nothing else leads here.
 * - `fin`: the transport ended without the alert: the stream was cut, by the peer or by anybody on the path.
 * - `error`: a TLS error, a fatal alert or a transport error ended it.
 * - `unverified`: it ended, but how can't be told.
 */
export type ReceivedState = 'open' | 'close_notify' | 'fin' | 'error' | 'unverified';

/** Both halves of the closure, as `SSL_get_shutdown(3)` gives them. */
export interface ShutdownState {
  readonly sent: SentState;
  readonly received: ReceivedState;
}

/** Options of `gracefulShutdown` and `shutdown`. */
export interface ShutdownOptions {
  /**
   * `true` does both steps in this call: send our alert, then wait for the peer's.
   * `false` does one step a call, as `SSL_shutdown(3)` does. Default `false`.
   */
  bidirectional?: boolean;

  /**
   * `true` closes without an alert, as `SSL_set_quiet_shutdown(3)` does: what was written is flushed, inbound data is discarded,
   * the transport is ended, and the socket is destroyed at the peer's FIN or when `timeout` is over. Default `false`.
   * An aborted `signal` stops only the waiting. Calls without `quiet` are -1 (`ERR_TLS_SHUTDOWN_NOT_SENT`) from then on.
   * The peer can't tell such an end from a truncation attack: RFC 8446 section 6.1 requires the alert.
   */
  quiet?: boolean;

  /**
   * Milliseconds that this whole call may wait: 0 starts and does not wait, `Infinity` sets no limit, otherwise at most 2147483647.
   * At the limit the call resolves to -1 (`ERR_TLS_SHUTDOWN_TIMEOUT`) and a later call goes on from there. Default 5000.
   */
  timeout?: number;

  /**
   * What becomes of inbound data that nobody consumes while the call waits. `'keep'` leaves it in the socket's buffer, readable later. Once the
   * buffer is full, the peer's alert can't be seen, and the call runs into its `timeout`. `'discard'` makes the socket flow: what nobody reads is
   * thrown away, and a paused `'data'` listener or `pipe` gets its data. Default `'keep'`.
   */
  unread?: 'keep' | 'discard';

  /**
   * Stops the waiting: the call rejects with an `AbortError` whose `cause` is the signal's reason. What was started goes on, and a later
   * call joins it. If the signal is aborted before the call, the socket stays untouched. Default none.
   */
  signal?: AbortSignal;
}

/** What one call of `shutdown` came to. */
export interface ShutdownResult {
  /** The return value, as `gracefulShutdown` gives it. */
  readonly value: ShutdownReturn;
  /** Both halves when the call ended. */
  readonly state: ShutdownState;
  /** The reason of a -1, otherwise `undefined`. */
  readonly error: TlsShutdownError | undefined;
  /**
   * Bytes that were received and not read when the call ended. (It is `readableLength`, which counts characters after `setEncoding`.) While there are any,
   * Node keeps the socket open.
   */
  readonly unreadBytes: number;
}

/** Options of all drains. */
export interface DrainOptions {
  /**
   * Milliseconds for everything to end by itself; what is left then is destroyed, and counted as `forced`. 0: at once. From 0 to 2147483647,
   * or `Infinity`. Default 30000.
   */
  grace?: number;

  /** Milliseconds that the shutdown of one socket may take, and a handshake that runs when the drain begins; the socket is destroyed then. Default 5000. */
  timeout?: number;

  /**
   * Milliseconds that an idle keep-alive connection of an HTTP/1 server waits for one more request, which is answered with
   * `Connection: close`, before it is closed. So a request that crosses the close on its way is still served.
   * 0: at once, and what crosses the close is lost. It must be below a `grace` that is given in the same call, or is cut to a quarter of the `grace` that
   * is left. Default 1000, or a quarter of `grace` if that is less.
   */
  idleGrace?: number;

  /** Close without alerts, as `gracefulShutdown` does with `quiet`. Default `false`. */
  quiet?: boolean;

  /**
   * Aborting it destroys what is left, at once, as the end of `grace` does. The drain still resolves. Where several calls give one, each of them counts.
   * Default none.
   */
  force?: AbortSignal;

  /**
   * For a connection whose protocol is not known here (of a plain `tls.Server`, upgraded, `CONNECT`): ends that protocol first, say by a
   * WebSocket close frame. The TLS shutdown follows when its promise is fulfilled. If it throws or rejects, the connection counts as `failed`
   * (`ERR_TLS_SHUTDOWN_FINISH`). If it is not done at the end of `grace`, the connection counts as `forced`. Default none: the TLS shutdown at once.
   */
  finish?(socket: net.Socket): void | Promise<void>;

  /** Called after changes, at most once a turn of the event loop, and with the last one. Default none. */
  onProgress?: (progress: DrainProgress) => void;
}

/** How far a drain is. `total = remaining + complete + oneWay + failed + forced`. */
export interface DrainProgress {
  /** Connections that it found or that came since. */
  readonly total: number;
  readonly remaining: number;
  /** Both alerts were exchanged (with `quiet`: everything was flushed). */
  readonly complete: number;
  /** Our data and our alert were sent, and the peer closed without an alert, as nginx, Python and browsers do. Nothing of ours is lost. */
  readonly oneWay: number;
  /** Neither: a reset, an error, a time-out, a `finish` that threw. */
  readonly failed: number;
  /** Destroyed at the end of `grace` or by `force`. */
  readonly forced: number;
}

/** What a drain came to. Each connection counts once: `total = complete + oneWay + failed + forced`. */
export interface DrainReport extends Omit<DrainProgress, 'remaining'> {
  /** How often each code occurred, of all that were not complete. */
  readonly errors: Readonly<Partial<Record<ShutdownErrorCode, number>>>;
  /** Milliseconds. */
  readonly elapsed: number;
}
