/** The application's own goodbye, by `finish`, on a connection whose protocol is not known here. */
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { isTLSSocket } from '../arguments.js';
import { watchSocket, type Waiting } from '../connection/connection.js';
import { putMethod } from '../connection/methods.js';
import { inNextTurn } from '../connection/turn.js';
import type { DrainOptions } from '../types.js';
import { holdErrors } from './plain.js';

/**
 * Resolves when `finish` is done, or the peer has ended meanwhile: there is nobody left to say goodbye to. To what it resolves is what `finish` has thrown, if it
 * has.
 */
export function sayGoodbye(socket: Duplex, finish: NonNullable<DrainOptions['finish']>): Promise<{ readonly thrown: unknown } | undefined> {
  return new Promise((resolve) => {
    const stopWatching = onPeersEnd(socket, () => inNextTurn(() => done(undefined))); // a finish that waits for that end is done by then
    const done = (failed: { readonly thrown: unknown } | undefined): void => {
      resolve(failed);
      stopWatching(); // behind that: a 'removeListener' listener may throw
    };
    new Promise<void>((said) => said(finish(socket as net.Socket))).then(
      () => done(undefined),
      (thrown: unknown) => done({ thrown }),
    );
  });
}

/** Calls `ended` when the peer's end has come, also where nobody reads; behind the data where somebody does. @returns takes it back */
function onPeersEnd(socket: Duplex, ended: () => void): () => void {
  const isRead = (): boolean => socket.readableLength > 0 && (socket.readableFlowing === true || socket.listenerCount('readable') > 0);
  const endIsKnown = (): void => {
    if (!isRead()) ended(); // else 'end' comes
  };
  const stopLooking = isTLSSocket(socket) ? lookAtTls(socket, endIsKnown) : lookAtPlain(socket, endIsKnown);
  socket.on('end', ended).on('close', ended);
  if (socket.readableEnded || socket.destroyed) ended();
  return () => {
    stopLooking();
    socket.off('end', ended).off('close', ended);
  };
}

function lookAtTls(socket: Parameters<typeof watchSocket>[0], endIsKnown: () => void): () => void {
  const connection = watchSocket(socket);
  connection.holdErrors();
  const onChange = (): void => {
    if (connection.peer.isOver) endIsKnown();
  };
  const waiting: Waiting = { goal: 'both', discards: false, onChange };
  connection.calls.add(waiting);
  onChange();
  return () => connection.calls.delete(waiting);
}

function lookAtPlain(socket: Duplex, endIsKnown: () => void): () => void {
  holdErrors(socket);
  const { push } = socket;
  return putMethod(socket, 'push', (chunk, encoding) => {
    const more = push.call(socket, chunk, encoding);
    if (chunk === null) endIsKnown();
    return more;
  });
}
