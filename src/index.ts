export { gracefulShutdown, shutdown, getShutdown, getShutdownError } from './shutdown.js';
export { watch } from './watch.js';
export { unwrap, wrap, type UnwrapOptions, type WrapOptions } from './unwrap.js';
export { TlsShutdownError, type ShutdownErrorCode, type SslErrorName } from './errors.js';
export type { ReceivedState, SentState, ShutdownOptions, ShutdownResult, ShutdownReturn, ShutdownState } from './types.js';
