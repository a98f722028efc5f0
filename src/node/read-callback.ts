/**
 * Are we in a read callback of Node's? `end()` must not run there: Node calls `SSL_shutdown` twice in a row, and the second call is fatal to records that
 * are already buffered. They are lost without an error. The same holds for the ticks and microtasks of a read callback, so also after `await` (Node 20 to 26).
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `onStreamRead` on the stack | whether an end comes from Node or from the application | 12 | such an end is `unverified` |
 */
import { executionAsyncResource } from 'node:async_hooks';
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { IS_NODE } from './runtime.js';

const timer = setTimeout(() => {}, 0);
clearTimeout(timer);
const immediate = setImmediate(() => {});
clearImmediate(immediate);

/**
 * Whether this is surely no read callback, but that of a timer or an immediate. Each of these has an async resource of its own, and a read callback within it
 * would have another one. Anywhere else it can't be told.
 */
export function outsideReads(): boolean {
  if (!IS_NODE) return false;
  const { constructor } = executionAsyncResource();
  return constructor === timer.constructor || constructor === immediate.constructor;
}

/** A test may have put others in the place of `nextTick` and `queueMicrotask`. */
export const { nextTick } = process;
const resolved = Promise.resolve();

/** Runs it behind the ticks that are queued and behind all microtasks. */
export function afterTicks(run: () => void): void {
  nextTick(() => void resolved.then(() => nextTick(run)));
}

/** So many callers an application's own methods can't have put between us and a read callback. */
const DEPTH = 50;

/** Is Node's read callback, of any socket, among the callers of `callee`, which is on the stack? 'no' also where that can't be told. */
export function readCallbackAbove(callee: (...args: never[]) => unknown): 'directly' | 'somewhere' | 'no' {
  const index = callersOf(callee).findIndex((line) => line.includes('onStreamRead (node:internal/stream_base_commons:'));
  return index === 0 ? 'directly' : index > 0 ? 'somewhere' : 'no';
}

/** As V8 itself prints them, whatever the application has put in its place. None where that can't be had. */
function callersOf(callee: (...args: never[]) => unknown): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    if (!printStacks(undefined, DEPTH)) return []; // frozen
    const at: { stack?: unknown } = {};
    Error.captureStackTrace(at, callee);
    return String(at.stack).split('\n').slice(1);
  } finally {
    printStacks(prepareStackTrace, stackTraceLimit);
  }
}

function printStacks(prepare: unknown, limit: unknown): boolean {
  return Reflect.set(Error, 'stackTraceLimit', limit) && Reflect.set(Error, 'prepareStackTrace', prepare);
}
