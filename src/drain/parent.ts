/** The message `'shutdown'` of a process manager. */
import { onParentMessage } from '../node/cluster.js';

const told = new Set<() => void>();
/** What came while nobody but us listened. */
const held: [message: unknown, handle: unknown][] = [];
let stopListening: (() => void) | undefined;
let handsOver = false;

/** Calls `run` when it comes. Keeps nothing alive, and no message from a listener that the program adds later. @returns takes it back */
export function onShutdownMessage(run: () => void): () => void {
  if (process.send === undefined) return () => {};
  told.add(run);
  stopListening ??= onParentMessage(processOnMessage);
  return () => {
    if (!told.delete(run) || told.size > 0) return;
    stopListening!();
    stopListening = undefined;
  };
}

function processOnMessage(message: unknown, handle: unknown): void {
  if (handsOver) return;
  if (process.listenerCount('message') === 1) hold(message, handle);
  if (message === 'shutdown') for (const run of [...told]) run();
}

/** As Node does: what comes while nobody listens is for the first who does. */
function hold(message: unknown, handle: unknown): void {
  if (held.push([message, handle]) === 1) process.on('newListener', processOnNewListener);
}

function processOnNewListener(event: string | symbol): void {
  if (event === 'message') process.nextTick(handOver);
}

function handOver(): void {
  if (held.length === 0 || process.listenerCount('message') <= Number(told.size > 0)) return;
  process.off('newListener', processOnNewListener);
  handsOver = true;
  try {
    for (const [message, handle] of held.splice(0)) process.emit('message', message, handle as never);
  } finally {
    handsOver = false;
  }
}
