/** Who waits with an `AbortSignal`. One listener for each signal: Node warns of more than ten on one (Node 20). */
type Listener = (reason: unknown) => void;

class Listeners extends Set<Listener> {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super();
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    for (const listener of this) listener(this.#signal.reason);
  };

  leave(listener: Listener): void {
    if (!this.delete(listener) || this.size > 0) return;
    this.#signal.removeEventListener('abort', this.#onAbort);
    known.delete(this.#signal);
  }
}

const known = new WeakMap<AbortSignal, Listeners>();

/** @returns takes it back */
export function onAbort(signal: AbortSignal, listener: Listener): () => void {
  const listeners = known.get(signal) ?? new Listeners(signal);
  known.set(signal, listeners.add(listener));
  return () => listeners.leave(listener);
}
