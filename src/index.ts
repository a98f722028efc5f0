export { gracefulShutdown, shutdown, getShutdown, getShutdownError } from './shutdown.js';
export { watch } from './watch.js';
export { TlsShutdownError, type ShutdownErrorCode, type SslErrorName } from './errors.js';
export type { ReceivedState, SentState, ShutdownOptions, ShutdownResult, ShutdownReturn, ShutdownState } from './types.js';
