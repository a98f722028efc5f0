/** Is it Node who calls? Told by the stack, where nothing else tells it. */

/** More than any read callback is deep in an application's own methods. */
const DEPTH = 50;

/** Node's read callback of any socket among the callers of `callee`, which is on the stack; 'no' also where that can't be told. It costs some microseconds. */
export function readCallbackAbove(callee: (...args: never[]) => unknown): 'directly' | 'somewhere' | 'no' {
  const index = callersOf(callee).findIndex((line) => line.includes('onStreamRead (node:internal/stream_base_commons:'));
  return index === 0 ? 'directly' : index > 0 ? 'somewhere' : 'no';
}

/** As V8 prints them, whatever the application has put in place of that; none where it can't be told. */
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
