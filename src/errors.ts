import type { ShutdownState } from './types.js';

/** Every `code` that a `TlsShutdownError` can have. */
export type ShutdownErrorCode =
  | 'ERR_TLS_SHUTDOWN_TIMEOUT'
  | 'ERR_TLS_SHUTDOWN_TRUNCATED'
  | 'ERR_TLS_SHUTDOWN_UNVERIFIED'
  | 'ERR_TLS_SHUTDOWN_NOT_SENT'
  | 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE'
  | 'ERR_TLS_SHUTDOWN_PROTOCOL'
  | 'ERR_TLS_SHUTDOWN_TRANSPORT'
  | 'ERR_TLS_SHUTDOWN_CLOSED'
  | 'ERR_TLS_SHUTDOWN_FINISH';

/** The name that `SSL_get_error(3)` would give. */
export type SslErrorName = 'SSL_ERROR_WANT_READ' | 'SSL_ERROR_WANT_WRITE' | 'SSL_ERROR_SSL' | 'SSL_ERROR_SYSCALL';

const MESSAGES: Readonly<Record<ShutdownErrorCode, readonly [message: string, sslError: SslErrorName]>> = {
  ERR_TLS_SHUTDOWN_TIMEOUT: ['time ran out; the socket is as it was, call again to go on', 'SSL_ERROR_WANT_READ'],
  ERR_TLS_SHUTDOWN_TRUNCATED: [
    "the peer's FIN came without close_notify: what it sent may have been cut short; destroy the socket and do not trust the end of its data",
    'SSL_ERROR_SSL',
  ],
  ERR_TLS_SHUTDOWN_UNVERIFIED: [
    "the peer's side ended, but it can't be told whether by close_notify; destroy the socket, and watch() it earlier next time",
    'SSL_ERROR_SSL',
  ],
  ERR_TLS_SHUTDOWN_NOT_SENT: ["our close_notify was not sent and can't be sent any more: OpenSSL held it back, or the socket is closed quietly; destroy the socket, if it is not destroyed already", 'SSL_ERROR_SSL'],
  ERR_TLS_SHUTDOWN_IN_HANDSHAKE: ['the handshake is not finished; nothing was sent, call again after it', 'SSL_ERROR_SSL'],
  ERR_TLS_SHUTDOWN_PROTOCOL: ['a TLS error or fatal alert ended the connection; destroy the socket', 'SSL_ERROR_SSL'],
  ERR_TLS_SHUTDOWN_TRANSPORT: ['the transport failed before the shutdown was done; destroy the socket, if it is not destroyed already', 'SSL_ERROR_SYSCALL'],
  ERR_TLS_SHUTDOWN_CLOSED: ['the socket was destroyed before the shutdown was done', 'SSL_ERROR_SYSCALL'],
  ERR_TLS_SHUTDOWN_FINISH: ["the drain's finish() failed, see cause; the socket was destroyed after its shutdown", 'SSL_ERROR_SYSCALL'],
};

/**
 * Why a shutdown ended in -1. `code` says what happened, the message also what became of the socket and what to do next.
 * docs/api.md has a table of them.
 */
export class TlsShutdownError extends Error {
  /** What happened; a closed union, so that a `switch` over it narrows. */
  readonly code: ShutdownErrorCode;
  /** What `SSL_get_error(3)` would have said. */
  readonly sslError: SslErrorName;
  /** Both halves of the closure when the call ended. */
  readonly state: ShutdownState;
  /** Bytes received and not read when the call ended. */
  readonly unreadBytes: number;

  /** @internal */
  constructor(code: ShutdownErrorCode, state: ShutdownState, unreadBytes: number, cause?: unknown) {
    const [message, sslError] = MESSAGES[code];
    const waitedForFlush = code === 'ERR_TLS_SHUTDOWN_TIMEOUT' && (state.sent === 'open' || state.sent === 'queued');
    super(`TLS shutdown: ${message}${code === 'ERR_TLS_SHUTDOWN_TIMEOUT' ? timeoutHint(waitedForFlush, unreadBytes) : ''}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.sslError = waitedForFlush ? 'SSL_ERROR_WANT_WRITE' : sslError;
    this.state = state;
    this.unreadBytes = unreadBytes;
  }
}

Object.defineProperty(TlsShutdownError.prototype, 'name', { value: 'TlsShutdownError', writable: true, configurable: true });

function timeoutHint(waitedForFlush: boolean, unreadBytes: number): string {
  const what = waitedForFlush ? ' (our close_notify is not flushed yet)' : " (the peer's close_notify has not come)";
  return unreadBytes > 0 ? `${what}; ${unreadBytes} bytes are unread and may hold it back: read them, or pass unread: 'discard'` : what;
}

/** OpenSSL's errors, Node's errors about the certificate, and EPROTO (a write that OpenSSL refused). */
export function isTlsError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false; // anything may be given to destroy()
  const code = String((error as NodeJS.ErrnoException).code);
  return 'library' in error || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code.startsWith('ERR_OSSL_') || code === 'EPROTO';
}

/** What a call rejects with whose signal was aborted. */
export function abortError(reason: unknown): Error {
  return Object.assign(new Error('The shutdown was not waited for: the signal was aborted', { cause: reason }), { name: 'AbortError', code: 'ABORT_ERR' });
}
