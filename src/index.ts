export { gracefulShutdown, shutdown, getShutdown, getShutdownError } from './shutdown.js';
export { watch } from './watch.js';
export { unwrap, wrap, type UnwrapOptions, type WrapOptions } from './unwrap.js';
export { drainAgent } from './drain/agent.js';
export { drainOnSignal, type DrainOnSignalOptions } from './drain/signals.js';
export { drainSockets } from './drain/sockets.js';
export { drainable, type DrainableServer } from './drain/server.js';
export { TlsShutdownError, type ShutdownErrorCode, type SslErrorName } from './errors.js';
export type { DrainOptions, DrainProgress, DrainReport, ReceivedState, SentState, ShutdownOptions, ShutdownResult, ShutdownReturn, ShutdownState } from './types.js';
