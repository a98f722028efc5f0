/** An application calls `end()` before anybody watches, in a read callback or what runs right after it. */
import type { TLSSocket } from 'node:tls';

type Way = (socket: TLSSocket, end: () => void) => void;

const onData =
  (run: (end: () => void) => void): Way =>
  (socket, end) =>
    void socket.on('data', () => run(end));

/** Where the application calls it; `end` is called at every piece of data. */
export const EARLY_ENDS = {
  "in 'data'": onData((end) => end()),
  "in nextTick after 'data'": onData((end) => process.nextTick(end)),
  "in a microtask after 'data'": onData((end) => queueMicrotask(end)),
  "after await in 'data'": onData(async (end) => {
    await undefined;
    end();
  }),
  "in 'readable'": (socket, end) =>
    void socket.on('readable', () => {
      while (socket.read() !== null) end();
    }),
  'in for await': async (socket, end) => {
    try {
      for await (const _ of socket) end();
    } catch {
      // an error of the socket ends the loop, too: what the calls say is looked at
    }
  },
} as const satisfies Record<string, Way>;
export type EarlyEnd = keyof typeof EARLY_ENDS;

/** When the call follows `end()`. */
export const FOLLOWS = {
  'at once': (call: () => void) => call(),
  'in the same turn': (call: () => void) => queueMicrotask(call),
  'in the next turn': (call: () => void) => void setImmediate(call),
  'two turns later': (call: () => void) => void setImmediate(() => setImmediate(call)),
} as const;
export type Follows = keyof typeof FOLLOWS;
