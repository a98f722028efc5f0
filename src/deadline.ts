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

/** The longest finite timeout, in milliseconds: Node's own limit for timers. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** Waits that run out at about the same time. */
interface Bucket {
  /** In milliseconds of `performance.now()`. */
  readonly expiry: number;
  /** In no order. Not a `Set`, which for thousands of members costs several times as much. */
  readonly members: Waiting[];
}

const buckets = new Map<number, Bucket>();
/** The expiry of the newest one. */
let newest = 0;

/** The grid is 1/64 of the timeout, always rounded up: never early, at most 2 % late. */
function joinBucket(member: Waiting, timeout: number): void {
  const grid = Math.max(1, Math.floor(timeout / 64));
  const now = performance.now();
  const expiry = Math.ceil((now + timeout) / grid) * grid;
  let bucket = buckets.get(expiry);
  if (bucket === undefined) {
    buckets.set(expiry, (bucket = { expiry, members: [] }));
    newest = expiry;
    if (expiry < alarm || setTimeout !== setter) setAlarm(expiry, now);
  }
  member.bucket = bucket;
  member.place = bucket.members.push(member) - 1;
}

/** The last one takes its place. */
function leaveBucket(member: Waiting, { expiry, members }: Bucket): void {
  const last = members.pop()!;
  if (last !== member) members[(last.place = member.place)] = last;
  member.bucket = undefined;
  if (members.length === 0) buckets.delete(expiry);
}

/** When the timer goes off. */
let alarm = Infinity;
let timer: NodeJS.Timeout | undefined;
/** What it was set with: the fake timers of a test come and go, and theirs never goes off once they are gone. */
let setter: typeof setTimeout | undefined;

/**
 * One unref'd timer for all buckets. It is not cleared when nobody waits any more, and goes on for as long as calls come: to set and clear one in each
 * burst of closes had V8 compile Node's timer functions anew every time, and that can start a garbage collection, 10 us for each of 2,000 sockets (Node 26).
 */
function setAlarm(expiry: number, now: number): void {
  if (alarm !== Infinity && setTimeout === setter) clearTimeout(timer);
  alarm = Math.min(expiry, now + MAX_TIMEOUT);
  setter = setTimeout;
  // setTimeout cuts fractions off: one more. Beyond its limit it would fire after 1 ms, and it warns of what is below 0 (Node 24).
  timer = setTimeout(onAlarm, Math.min(Math.ceil(Math.max(0, expiry - now)) + 1, MAX_TIMEOUT), alarm).unref();
}

function onAlarm(due: number): void {
  const now = Math.max(performance.now(), due); // fake timers go off before their time
  alarm = Infinity;
  try {
    for (const { expiry, members } of buckets.values()) {
      while (expiry <= now && members.length > 0) members.at(-1)!.onTimeout(); // each one leaves
    }
  } finally {
    // One that threw (an application's method of its socket, say) must not take the others' timeouts away.
    let first = newest > now ? newest : Infinity;
    for (const expiry of buckets.keys()) first = Math.min(first, expiry);
    if (first < alarm) setAlarm(first, now);
  }
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
  if (waiting.bucket !== undefined) leaveBucket(waiting, waiting.bucket);
  waiting.signalled?.leave(waiting);
}
