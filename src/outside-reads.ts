/**
 * Is this surely no read callback of any socket, nor one of its ticks and microtasks? Yes right in the callback of a timer or an immediate: each has its
 * own async resource there, and a read callback within it would have another one. Anywhere else that can't be told.
 */
import { executionAsyncResource } from 'node:async_hooks';
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers';

const timer = setTimeout(() => {}, 0);
clearTimeout(timer);
const immediate = setImmediate(() => {});
clearImmediate(immediate);

export function outsideReads(): boolean {
  const { constructor } = executionAsyncResource();
  return constructor === timer.constructor || constructor === immediate.constructor;
}
