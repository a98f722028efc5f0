export { gracefulShutdown, shutdown, getShutdown, getShutdownError } from './shutdown.js';
export { watch } from './watch.js';
export { TlsShutdownError } from './errors.js';
