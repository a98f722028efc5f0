/** A test that fakes `setImmediate` and is over before its fake one has run would stop all closes for good. What we wait for are real sockets. */
const realSetImmediate = globalThis.setImmediate;

/** Calls `run` in the check phase of this turn of the event loop, or of the next one: outside of read callbacks. */
export function inNextTurn(run: () => void): NodeJS.Immediate {
  return realSetImmediate(run);
}
