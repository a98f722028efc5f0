/** The preload: `node --import tls-graceful-shutdown/register server.js`. */
import { isMainThread } from 'node:worker_threads';
import { HIDES_SERVERS } from './node/runtime.js';
import { NAME, optionsOf } from './register/environment.js';
import { Register, writeLine } from './register/register.js';

const STARTED = Symbol.for('tls-graceful-shutdown.register');

function start(): void {
  const { [STARTED]: before } = process as unknown as Record<symbol, unknown>;
  if (!isMainThread || before === true) return;
  Object.defineProperty(process, STARTED, { value: true });
  if (HIDES_SERVERS !== undefined) return refuse(HIDES_SERVERS);
  try {
    new Register(optionsOf(process.env[NAME])).start();
  } catch (error) {
    refuse(`${NAME}: ${(error as Error).message.replaceAll('options.', '')}`);
  }
}

/** Ends the start. */
function refuse(why: string): void {
  writeLine(why);
  process.exit(9); // Node's own for invalid arguments
}

start();
