/** How a connection without TLS ends: both sides in order, or not. */
import type { Duplex } from 'node:stream';
import { MAX_TIMEOUT } from '../arguments.js';
import { inNextTurn } from '../connection/turn.js';
import type { ShutdownErrorCode } from '../errors.js';
import { destroySurely } from '../shutdown/destroying.js';
import { discardUnread } from '../shutdown/quiet.js';

export interface PlainEnding {
  readonly outcome: 'complete' | 'failed';
  readonly code?: ShutdownErrorCode;
}

const COMPLETE: PlainEnding = { outcome: 'complete' };

function failed(code: ShutdownErrorCode): PlainEnding {
  return { outcome: 'failed', code };
}

function bothEnded({ writableFinished, readableEnded, errored }: Duplex): boolean {
  return writableFinished && readableEnded && !errored;
}

/** What became of a destroyed one. */
function judge(socket: Duplex): PlainEnding {
  if (bothEnded(socket)) return COMPLETE;
  return failed(socket.errored ? 'ERR_TLS_SHUTDOWN_TRANSPORT' : 'ERR_TLS_SHUTDOWN_CLOSED');
}

/**
 * Flushes what was written, ends our side, and waits for the peer's end, for `timeout` at most. Inbound data that nobody consumes is thrown away.
 * Destroys nothing.
 */
export function endPlain(socket: Duplex, timeout: number): Promise<PlainEnding> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve(judge(socket));
    holdErrors(socket);
    const timer = timeout === Infinity ? undefined : setTimeout(() => done(failed('ERR_TLS_SHUTDOWN_TIMEOUT')), Math.min(Math.ceil(timeout) + 1, MAX_TIMEOUT)).unref();
    const socketOnEnd = (): void => {
      if (bothEnded(socket)) done(COMPLETE);
    };
    const socketOnClose = (): void => done(judge(socket));
    const done = (ending: PlainEnding): void => {
      clearTimeout(timer);
      resolve(ending);
      inNextTurn(() => socket.off('end', socketOnEnd).off('finish', socketOnEnd).off('close', socketOnClose)); // not here: a 'removeListener' listener may throw
    };
    // First: a listener of the application's may throw.
    socket.prependListener('end', socketOnEnd).prependListener('finish', socketOnEnd).prependListener('close', socketOnClose);
    discardUnread(socket);
    endSurely(socket);
    socketOnEnd();
  });
}

/** Ends our side. What an application's own method throws destroys the socket. */
export function endSurely(socket: Duplex): void {
  try {
    if (!socket.writableEnded && !socket.destroyed) socket.end();
  } catch (thrown) {
    destroySurely(socket, thrown as Error);
  }
}

/** An `'error'` from now on is counted, and does not end the process. Listeners of others still hear it. */
export function holdErrors(socket: Duplex): void {
  if (socket.listeners('error').includes(drainOnError)) return;
  socket.on('error', drainOnError).once('close', () => socket.off('error', drainOnError));
}

function drainOnError(): void {}
