/**
 * One `setImmediate` for everything that has to happen outside of the current read callback, however many sockets ask for it.
 *
 * Why: Node calls `SSL_shutdown` twice in a row, and the second call inside a read callback (or its ticks and microtasks, so also after
 * `await`) is fatal to records that are already buffered; they are lost without an error. Node 20 to 26. And one immediate a socket was
 * measured at 1.6 times the cost of closing it.
 */
type Task = (arg: unknown) => void;

/** Each task, and then its argument: an object for each would be measurable. */
let queue: unknown[] = [];

/** A test that fakes it and is over before its fake one has run would stop all closes for good. What we wait for are real sockets. */
export const realSetImmediate = globalThis.setImmediate;

/** Calls `run(arg)` in the check phase of this turn of the event loop, in the order of the asking. */
export function inNextTurn<T>(run: (arg: T) => void, arg: T): void {
  if (queue.push(run, arg) === 2) realSetImmediate(runQueue);
}

function runQueue(): void {
  const tasks = queue;
  queue = [];
  let i = 0;
  try {
    while (i < tasks.length) {
      const run = tasks[i++] as Task;
      run(tasks[i++]);
    }
  } finally {
    // A task that threw (an application's listener, say) must not take the others' turn away.
    for (; i < tasks.length; i += 2) inNextTurn(tasks[i] as Task, tasks[i + 1]);
  }
}
