/** Checks what callers pass. The errors name the option and the value, and have Node's own codes. */
import { Socket } from 'node:net';
import { Server, TLSSocket } from 'node:tls';
import { inspect, types } from 'node:util';
import type { DrainOptions, ShutdownOptions } from './types.js';

/** The longest finite time in milliseconds: Node's own limit for timers. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

export const DEFAULT_TIMEOUT = 5000;

type ArgumentErrorCode = 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE';

function shown(value: unknown): string {
  return inspect(value, { depth: -1, breakLength: Infinity, customInspect: false }).slice(0, 100);
}

/** A `TypeError` that says what `name` must be and what it is. */
export function argumentError(name: string, mustBe: string, value: unknown, code: ArgumentErrorCode = 'ERR_INVALID_ARG_TYPE'): TypeError {
  return Object.assign(new TypeError(`${name} must be ${mustBe}. Received ${shown(value)}`), { code });
}

export function checkSocket(socket: unknown): asserts socket is TLSSocket {
  if (!isTLSSocket(socket)) throw argumentError('socket', 'an instance of tls.TLSSocket', socket);
}

/** `false` for HTTP/2's stand-ins (`session.socket`, `request.socket`) too: they pass for a socket, but refuse to be read, written or ended. */
export function isTLSSocket(value: unknown): value is TLSSocket {
  return isSocket(value) && value instanceof TLSSocket;
}

export function isSocket(value: unknown): value is Socket {
  try {
    return value instanceof Socket && (!types.isProxy(value) || typeof value.pause === 'function');
  } catch {
    return false; // ERR_HTTP2_NO_SOCKET_MANIPULATION, or ERR_HTTP2_SOCKET_UNBOUND
  }
}

export function isServer(value: unknown): value is Server {
  return isInstance(value, Server);
}

export function isInstance<T>(value: unknown, kind: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof kind;
  } catch {
    return false; // such a stand-in
  }
}

export function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError(name, 'a boolean', value);
}

function checkTimeout(name: string, value: unknown): void {
  if (value === undefined || value === Infinity) return;
  if (typeof value !== 'number') throw argumentError(name, 'a number of milliseconds', value);
  if (value >= 0 && value <= MAX_TIMEOUT) return;
  throw Object.assign(new RangeError(`${name} must be from 0 to ${MAX_TIMEOUT} milliseconds, or Infinity. Received ${value}`), { code: 'ERR_OUT_OF_RANGE' });
}

function checkSignal(name: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) throw argumentError(name, 'an AbortSignal', value);
}

function checkUnread(name: string, value: unknown): void {
  if (value === undefined || value === 'keep' || value === 'discard') return;
  const code = typeof value === 'string' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE';
  throw argumentError(name, "'keep' or 'discard'", value, code);
}

/** With the defaults filled in. */
export interface CompleteOptions extends Required<Omit<ShutdownOptions, 'signal'>> {
  readonly signal: AbortSignal | undefined;
}

/** Checked and completed. Each option is read once: what is checked is what is used. */
export function shutdownOptions(options: unknown): CompleteOptions {
  if (typeof options !== 'object' || options === null) throw argumentError('options', 'an object', options);
  const { bidirectional, quiet, timeout, unread, signal } = options as ShutdownOptions;
  checkBoolean('options.bidirectional', bidirectional);
  checkBoolean('options.quiet', quiet);
  checkTimeout('options.timeout', timeout);
  checkUnread('options.unread', unread);
  checkSignal('options.signal', signal);
  return { bidirectional: bidirectional ?? false, quiet: quiet ?? false, timeout: timeout ?? DEFAULT_TIMEOUT, unread: unread ?? 'keep', signal };
}

export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw argumentError(name, 'a function', value);
}

/** Names of signals that a process can listen for. */
export function signalNames(value: unknown): NodeJS.Signals[] {
  const known = process.getBuiltinModule('node:os').constants.signals;
  const isCaught = (signal: PropertyKey): boolean => Object.hasOwn(known, signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP';
  if (value === undefined) return ['SIGTERM', 'SIGINT'];
  const wrong: unknown[] = Array.isArray(value) ? value.filter((one) => !isCaught(one as PropertyKey)) : [value];
  if (wrong.length > 0) throw argumentError('options.signals', 'an array of names of signals that can be caught', wrong[0]);
  return [...new Set(value as NodeJS.Signals[])];
}

/** Checked, each option read once: what is checked is what is used. One that is `undefined` is not given. */
export function drainOptions(options: unknown): DrainOptions {
  if (typeof options !== 'object' || options === null) throw argumentError('options', 'an object', options);
  const { grace, timeout, idleGrace, quiet, force, finish, onProgress } = options as DrainOptions;
  checkTimeout('options.grace', grace);
  checkTimeout('options.timeout', timeout);
  checkTimeout('options.idleGrace', idleGrace);
  checkBoolean('options.quiet', quiet);
  checkSignal('options.force', force);
  checkFunction('options.finish', finish);
  checkFunction('options.onProgress', onProgress);
  if (grace !== undefined && idleGrace !== undefined && !isBelow(idleGrace, grace)) {
    throw Object.assign(new RangeError(`options.idleGrace must be below options.grace, which is ${grace}. Received ${idleGrace}`), { code: 'ERR_OUT_OF_RANGE' });
  }
  const given = Object.entries({ grace, timeout, idleGrace, quiet, force, finish, onProgress }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as DrainOptions;
}

/** With no wait at all there is nothing to be cut, and with no limit nothing that cuts. */
function isBelow(idleGrace: number, grace: number): boolean {
  return idleGrace < grace || idleGrace === 0 || grace === Infinity;
}

/** With the defaults filled in. Of several `force` and `onProgress` all count. */
export interface CompleteDrainOptions extends Required<Omit<DrainOptions, 'force' | 'finish' | 'onProgress'>> {
  readonly finish: DrainOptions['finish'];
  readonly forces: readonly AbortSignal[];
  readonly listeners: readonly NonNullable<DrainOptions['onProgress']>[];
}

/** What `drainOptions` gave for one call after the other: the first that has an option decides. */
export function completeDrainOptions(...calls: readonly DrainOptions[]): CompleteDrainOptions {
  const { grace = 30_000, timeout = DEFAULT_TIMEOUT, idleGrace = 1000, quiet = false, finish } = Object.assign({}, ...[...calls].reverse()) as DrainOptions;
  const forces = calls.flatMap(({ force }) => force ?? []);
  const listeners = calls.flatMap(({ onProgress }) => onProgress ?? []);
  const isGiven = calls.some((call) => call.idleGrace !== undefined);
  const cut = isGiven ? !isBelow(idleGrace, grace) : idleGrace > grace / 4;
  return { grace, timeout, idleGrace: cut ? grace / 4 : idleGrace, quiet, finish, forces, listeners };
}
