/** The timers of a transport that waits to be taken back by `unwrap`. */
const KEPT = 5000;

export interface Timer {
  readonly run: () => void;
  readonly timeout: NodeJS.Timeout;
}

/** The timers of `KEPT` milliseconds that were started and not stopped while `work` ran. */
export async function keptTimers(work: () => Promise<unknown>): Promise<Timer[]> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const timers: Timer[] = [];
  globalThis.setTimeout = ((run: () => void, delay: number) => {
    const timeout = set(run, delay);
    if (delay === KEPT) timers.push({ run, timeout });
    return timeout;
  }) as typeof set;
  globalThis.clearTimeout = (timeout) => {
    const index = timers.findIndex((timer) => timer.timeout === timeout);
    if (index !== -1) timers.splice(index, 1);
    clear(timeout);
  };
  try {
    await work();
  } finally {
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  }
  return timers;
}
