/** The two things that end a wait from outside, a timeout and an `AbortSignal`, as one thing to cancel. */

/** Who waits. */
export interface Waiting {
  /** Set here; `undefined` before. */
  bucket: Bucket | undefined;
  /** Where it is in the bucket. */
  place: number;
  signalled: Signalled | undefined;
  onTimeout(): void;
  onAbort(reason: unknown): void;
}

/**
 * Waits that run out at about the same time share one unref'd timer: a timer for each of thousands of sockets was measurable.
 * The grid is 1/64 of the timeout, always rounded up: never early, at most 2 % late.
 */
class Bucket {
  /** In no order. Not a `Set`, which for thousands of members costs several times as much. */
  readonly #members: Waiting[] = [];
  readonly #expiry: number;
  readonly #timer: NodeJS.Timeout;

  constructor(expiry: number, now: number) {
    this.#expiry = expiry;
    // setTimeout cuts fractions off and counts from the start of the turn: one more. Beyond its limit it would fire after 1 ms.
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.ceil(expiry - now) + 1, MAX_TIMEOUT));
    this.#timer.unref();
  }

  join(member: Waiting): void {
    member.bucket = this;
    member.place = this.#members.push(member) - 1;
  }

  /** The last one takes its place. */
  leave(member: Waiting): void {
    const last = this.#members.pop()!;
    if (last !== member) this.#members[(last.place = member.place)] = last;
    member.bucket = undefined;
    if (this.#members.length > 0) return;
    clearTimeout(this.#timer);
    buckets.delete(this.#expiry);
  }

  /** Each one leaves. */
  #expire(): void {
    buckets.delete(this.#expiry);
    while (this.#members.length > 0) this.#members.at(-1)!.onTimeout();
  }
}

/** The longest finite timeout, in milliseconds: Node's own limit for timers. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

const buckets = new Map<number, Bucket>();

function joinBucket(member: Waiting, timeout: number): void {
  const grid = Math.max(1, Math.floor(timeout / 64));
  const now = performance.now();
  const expiry = Math.ceil((now + timeout) / grid) * grid;
  let bucket = buckets.get(expiry);
  if (bucket === undefined) buckets.set(expiry, (bucket = new Bucket(expiry, now)));
  bucket.join(member);
}

/** All who wait with one signal: Node warns of more than ten listeners on it (Node 20). */
class Signalled {
  readonly members = new Set<Waiting>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this, { once: true });
  }

  /** Of the event. */
  handleEvent(): void {
    signals.delete(this.#signal);
    for (const member of this.members) member.onAbort(this.#signal.reason);
  }

  leave(member: Waiting): void {
    if (!this.members.delete(member) || this.members.size > 0) return;
    this.#signal.removeEventListener('abort', this);
    signals.delete(this.#signal);
  }
}

const signals = new WeakMap<AbortSignal, Signalled>();

function joinSignal(member: Waiting, signal: AbortSignal): Signalled {
  let group = signals.get(signal);
  if (group === undefined) signals.set(signal, (group = new Signalled(signal)));
  group.members.add(member);
  return group;
}

/**
 * Sets a timeout in milliseconds (`Infinity` for none) and a signal; the caller answers a timeout of 0 and an aborted signal itself.
 * Both are kept in `waiting`, which saves an object for each call.
 */
export function setDeadline(waiting: Waiting, timeout: number, signal: AbortSignal | undefined): void {
  if (timeout !== Infinity) joinBucket(waiting, timeout);
  if (signal !== undefined) waiting.signalled = joinSignal(waiting, signal);
}

export function clearDeadline(waiting: Waiting): void {
  waiting.bucket?.leave(waiting);
  waiting.signalled?.leave(waiting);
}
