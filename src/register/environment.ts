/** The options of a program that nobody edits: `TLS_GRACEFUL_SHUTDOWN`. */
import { argumentError, checkBoolean, drainOptions, signalNames } from '../arguments.js';
import type { DrainOptions } from '../types.js';

export const NAME = 'TLS_GRACEFUL_SHUTDOWN';

export interface RegisterOptions {
  readonly drain: DrainOptions;
  readonly signals: NodeJS.Signals[];
  /** A line on stderr with the report. */
  readonly log: boolean;
}

const KEYS = ['grace', 'timeout', 'idleGrace', 'quiet', 'signals', 'log'];

/** @throws an error that names what is bad */
export function optionsOf(text: string | undefined): RegisterOptions {
  const options = text === undefined || text === '' ? {} : parse(text);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw argumentError('it', 'a JSON object', options);
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new TypeError(`${JSON.stringify(unknown)} is no option. There are ${KEYS.join(', ')}`);
  const given = Object.entries(options).map(([key, value]) => [key, value === 'Infinity' ? Infinity : (value as unknown)]);
  const { signals, log, ...drain } = Object.fromEntries(given) as { signals?: unknown; log?: boolean } & DrainOptions;
  checkBoolean('options.log', log);
  return { drain: drainOptions(drain), signals: signalNames(signals), log: log ?? false };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`it must be JSON. ${(error as Error).message}`);
  }
}
