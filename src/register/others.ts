/** Who else listens for a signal. */

/** signal-exit, which very many programs have without knowing, ends the process by the signal if nobody but itself listens. It counts its own listeners. */
function signalExits(): number {
  const name = Object.keys(process).find((key) => key.includes('signal_exit_emitter')) ?? '';
  const version3 = (process as unknown as Record<string, { count?: unknown } | undefined>)[name];
  const version4 = (globalThis as unknown as Record<symbol, { count?: unknown } | undefined>)[Symbol.for('signal-exit emitter')];
  return [version3, version4].reduce((sum, emitter) => sum + (typeof emitter?.count === 'number' ? emitter.count : 0), 0);
}

/** Whether the program does something of its own when `signal` comes, which Node takes for the end of the process being its business. */
export function othersListen(signal: NodeJS.Signals, ours: (...args: never[]) => void): boolean {
  const others = process.listeners(signal).filter((listener) => listener !== ours);
  return others.length > signalExits();
}
