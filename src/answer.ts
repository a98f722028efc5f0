/** What a call is answered, and when. */
import { publish } from './channel.js';
import { TlsShutdownError, isTlsError, type ShutdownErrorCode } from './errors.js';
import { returnValue, type Goal } from './machine.js';
import { endLinger } from './quiet.js';
import type { ShutdownResult } from './types.js';
import type { Watch } from './watched.js';

/** The answer to a call: 1, 0, or the code of a -1; `undefined` while it has to wait. */
type Answer = 1 | 0 | ShutdownErrorCode | undefined;

export function answerNow(watch: Watch, goal: Goal): Answer {
  if (watch.judging || watch.deciding) return undefined;
  const { state, destroyed } = watch;
  const value = watch.quiet && goal !== 'quiet' ? -1 : returnValue(state, goal); // a quiet end that has begun can't be made one with alerts
  if (value === 1) {
    // A quiet call ends by destroying the socket, and not before: until then it goes on discarding, lest the close become a reset.
    return goal === 'quiet' && !destroyed ? undefined : 1;
  }
  if (value === 0 && !destroyed) return 0;
  return value === -1 || destroyed ? failure(watch, goal) : undefined;
}

/** Why it can't succeed any more. */
function failure({ state, error, transportGone, quiet }: Watch, goal: Goal): ShutdownErrorCode {
  if (goal !== 'quiet') {
    if (state.received === 'error' && state.sent !== 'quiet') return error === undefined || isTlsError(error) ? 'ERR_TLS_SHUTDOWN_PROTOCOL' : 'ERR_TLS_SHUTDOWN_TRANSPORT';
    if (quiet) return 'ERR_TLS_SHUTDOWN_NOT_SENT';
    if (state.received === 'fin') return 'ERR_TLS_SHUTDOWN_TRUNCATED';
    if (state.sent === 'lost' && !transportGone) return 'ERR_TLS_SHUTDOWN_NOT_SENT';
    if (state.received === 'unverified') return 'ERR_TLS_SHUTDOWN_UNVERIFIED';
  }
  if (error !== undefined) return isTlsError(error) ? 'ERR_TLS_SHUTDOWN_PROTOCOL' : 'ERR_TLS_SHUTDOWN_TRANSPORT';
  return transportGone ? 'ERR_TLS_SHUTDOWN_TRANSPORT' : 'ERR_TLS_SHUTDOWN_CLOSED';
}

export function atTimeout(watch: Watch, goal: Goal): ShutdownResult {
  return conclude(watch, goal === 'quiet' && endLinger(watch) ? 1 : 'ERR_TLS_SHUTDOWN_TIMEOUT');
}

export function conclude(watch: Watch, answer: NonNullable<Answer>): ShutdownResult {
  const { state, socket } = watch;
  const unreadBytes = socket.readableLength;
  if (typeof answer === 'number') {
    watch.lastError = undefined;
    return publish(socket, { value: answer, state, error: undefined, unreadBytes });
  }
  const error = new TlsShutdownError(answer, state, unreadBytes, watch.error);
  watch.lastError = error;
  return publish(socket, { value: -1, state, error, unreadBytes });
}
