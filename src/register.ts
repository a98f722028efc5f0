/** The preload: `node --import tls-graceful-shutdown/register server.js`. */
import { isMainThread } from 'node:worker_threads';
import { NAME, optionsOf } from './register/environment.js';
import { Register, writeLine } from './register/register.js';

const STARTED = Symbol.for('tls-graceful-shutdown.register');

function start(): void {
  const { [STARTED]: before } = process as unknown as Record<symbol, unknown>;
  if (!isMainThread || before === true) return;
  Object.defineProperty(process, STARTED, { value: true });
  try {
    new Register(optionsOf(process.env[NAME])).start();
  } catch (error) {
    writeLine(`${NAME}: ${(error as Error).message.replaceAll('options.', '')}`);
    process.exit(9); // Node's own for invalid arguments
  }
}

start();
