/** The real one, since we wait for real sockets: a test may fake `setImmediate`, and be over before its fake one has run. */
const realSetImmediate = globalThis.setImmediate;

/** Calls `run` in the check phase of this turn of the event loop, or of the next one: outside of read callbacks. */
export function inNextTurn(run: () => void): NodeJS.Immediate {
  return realSetImmediate(run);
}
