/** A connection whose request for another protocol (WebSocket, `CONNECT`) the application may not have answered yet. */
import type net from 'node:net';
import { putMethod } from '../connection/methods.js';

/** Calls `done` once the application has written anything since `upgradedAt`, or has ended it: `now` if that is so already. */
export function whenAnswered(socket: net.Socket, upgradedAt: number, done: (now: boolean) => void): void {
  if (socket.writableEnded || socket.bytesWritten !== upgradedAt) return done(true);
  const { _write: write, _writev: writev } = socket;
  let answered = false;
  const onAnswer = (): void => {
    if (answered) return;
    answered = true;
    done(false);
  };
  // Not `write`: an application may have a reference to it.
  putMethod(socket, '_write', (...args) => {
    onAnswer();
    Reflect.apply(write, socket, args);
  });
  putMethod(socket, '_writev', (...args) => {
    onAnswer();
    Reflect.apply(writev!, socket, args);
  });
  socket.once('finish', onAnswer); // of an end() without an answer
}
