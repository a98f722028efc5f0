import type { TlsShutdownError } from './errors.js';

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
 * - `unverified`: it ended, and how can't be told.
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
   * The peer can't tell such an end from a truncation attack: RFC 8446 section 6.1 requires the alert.
   */
  quiet?: boolean;

  /**
   * Milliseconds that this whole call may wait: 0 starts and does not wait, `Infinity` sets no limit, otherwise at most 2147483647.
   * At the limit the call resolves to -1 (`ERR_TLS_SHUTDOWN_TIMEOUT`) and a later call goes on from there; it never comes early, and at
   * most 2 % late. Default 5000.
   */
  timeout?: number;

  /**
   * What becomes of inbound data that nobody consumes while the call waits. `'keep'` leaves it in the socket's buffer, readable later;
   * once that is full the peer's alert can't be seen and the call runs into its `timeout`. `'discard'` makes the socket flow, so that
   * unread data is thrown away (a paused `'data'` listener or `pipe` is given it). Default `'keep'`.
   */
  unread?: 'keep' | 'discard';

  /**
   * Stops the waiting: the call rejects with an `AbortError` whose `cause` is the signal's reason. What was started goes on, and a later
   * call joins it. A signal that is aborted before the call leaves the socket untouched. Default none.
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
  /** Bytes that were received and not read when the call ended. While there are any, Node keeps the socket open. */
  readonly unreadBytes: number;
}
