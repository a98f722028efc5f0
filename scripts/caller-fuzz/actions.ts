/** What a caller can do with a socket, each legal at any time: what would be a mistake at the moment is left out. */
import { finished } from 'node:stream';
import { PATTERN } from '../../test/support/fault-peer.js';
import type { Caller } from './caller.js';
import type { Step } from './plan.js';

const ENCODINGS = ['utf8', 'hex', 'latin1', 'base64', 'utf16le'] as const;
/** Not `'newListener'`: a throw there meets whoever adds a listener, and so is the answer of a call. */
const EVENTS = ['end', 'finish', 'close', 'error', 'drain', 'pause', 'resume', 'removeListener'] as const;
const asyncDispose: unknown = (Symbol as { asyncDispose?: symbol }).asyncDispose; // since Node 20

type Do = (caller: Caller, step: Step) => void;

/** What is to be written next; `undefined` if the socket takes nothing any more. */
function next(caller: Caller, n: number): Buffer | undefined {
  const { socket, written } = caller;
  if (!socket.writable) return undefined;
  const size = 1 + (n % [1, 100, 5000, 20_000][n % 4]!);
  const bytes = PATTERN.subarray(written, written + size);
  caller.written += bytes.length;
  return bytes;
}

const READING = {
  listen: ({ reader }) => reader.listen(),
  leave: ({ reader }) => reader.leave(),
  pause: ({ socket }) => void socket.pause(),
  resume: ({ reader }) => reader.resume(),
  read: ({ reader }) => reader.pull(),
  'read a few': ({ reader, socket }, { n }) => reader.pull(Math.max(1, Math.min(1 + (n % 500), socket.readableLength))),
  "listen for 'readable'": ({ reader }) => reader.pullWhenReadable(),
  pipe: ({ reader }, { n }) => reader.pipe(n % 2 === 0),
  unpipe: ({ reader }) => reader.unpipe(),
  loop: ({ reader, socket }, { n }) => !socket.destroyed && void reader.loop(n % 3 === 0 ? 1 + (n % 5) : Infinity, n % 4 === 0),
  setEncoding: ({ socket }, { n }) => socket.readableEncoding === null && void socket.setEncoding(ENCODINGS[n % ENCODINGS.length]),
  unshift: ({ reader }, { n }) => reader.unshift(1 + (n % 2000)),
} satisfies Record<string, Do>;

const WRITING = {
  write: (caller, { n }) => {
    const bytes = next(caller, n);
    if (bytes === undefined) return;
    if (n % 3 === 0) caller.socket.write(bytes.toString('hex'), 'hex', caller.onWritten);
    else caller.socket.write(bytes, caller.onWritten);
  },
  cork: ({ socket }) => socket.cork(),
  uncork: ({ socket }) => socket.uncork(),
  end: ({ socket }) => !socket.destroyed && !socket.writableEnded && void socket.end(),
  'end with data': (caller, { n }) => {
    const bytes = next(caller, n);
    if (bytes !== undefined) caller.socket.end(bytes);
  },
  'half-open': ({ socket }) => (socket.allowHalfOpen = true),
} satisfies Record<string, Do>;

const ENDING = {
  destroy: (caller) => {
    caller.noteDestroy();
    caller.socket.destroy();
  },
  'destroy with an error': (caller) => {
    caller.noteDestroy();
    caller.socket.destroy(new Error('of the caller'));
  },
  destroySoon: (caller) => {
    caller.noteDestroy();
    caller.socket.destroySoon();
  },
  dispose: (caller) => {
    if (typeof asyncDispose !== 'symbol') return;
    caller.noteDestroy();
    const dispose = (caller.socket as unknown as Record<symbol, () => Promise<void>>)[asyncDispose]!;
    void dispose.call(caller.socket).catch(() => {}); // an AbortError, on some Nodes
  },
  finished: ({ socket }) => void finished(socket, () => {}),
} satisfies Record<string, Do>;

const OTHERS = {
  'throw in a read': (caller) => (caller.throwsInRead = true),
  'throw in a write callback': (caller) => (caller.throwsInWrite = true),
  'throw in a listener': (caller, { n }) => caller.throwIn(EVENTS[n % EVENTS.length]!),
  replace: (caller, { n }) => caller.replace(n),
  watch: (caller) => caller.watch(),
  look: (caller) => caller.look(),
  'call wrongly': (caller, { n }) => caller.callWrongly(n),
  call: (caller, { call }) => caller.call(call!),
} satisfies Record<string, Do>;

export const ACTIONS = { ...READING, ...WRITING, ...ENDING, ...OTHERS } satisfies Record<string, Do>;
export type Action = keyof typeof ACTIONS;
