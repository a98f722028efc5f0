/** The two things that end a wait from outside, a timeout and an `AbortSignal`, as one thing to cancel. */
import { inNextTurn } from './turn.js';

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

/** The grid is 1/64 of the timeout, always rounded up: never early, at most 2 % late. */
function joinBucket(member: Waiting, timeout: number): void {
  const grid = Math.max(1, Math.floor(timeout / 64));
  const now = performance.now();
  const expiry = Math.ceil((now + timeout) / grid) * grid;
  let bucket = buckets.get(expiry);
  if (bucket === undefined) {
    buckets.set(expiry, (bucket = { expiry, members: [] }));
    if (expiry < alarm || setter !== setTimeout) {
      if (setTimeout !== realSetTimeout) setAlarm(expiry, now, setTimeout);
      else if (!looking) lookInNextTurn(NaN);
    }
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
  ended++;
}

function firstExpiry(): number {
  let first = Infinity;
  for (const expiry of buckets.keys()) first = Math.min(first, expiry);
  return first;
}

type SetTimeout = typeof setTimeout;
/** The fake timers of a test come and go, and theirs never goes off once they are gone. They are set in the call, which the test may expect. */
const realSetTimeout = setTimeout;

/** Waits that are over. */
let ended = 0;
/** At the last look; `NaN` before the first, which is in the turn of the call itself. */
let endedBefore = 0;
let looking = false;

/**
 * The timer is set at the end of the first whole turn of the event loop that has ended no wait, and not at all if none is left by then. V8 forgets what
 * is rarely run: when each burst of closes set a timer, Node's timer functions were compiled anew in it, and that can start a garbage collection,
 * 10 us for each of 2,000 sockets (Node 26).
 */
function lookInNextTurn(since: number): void {
  looking = true;
  endedBefore = since;
  inNextTurn(look, undefined);
}

function look(): void {
  looking = false;
  if (buckets.size === 0) return;
  const first = firstExpiry();
  const now = performance.now();
  if (ended !== endedBefore && first > now) lookInNextTurn(ended);
  else if (first < alarm || setter !== realSetTimeout) setAlarm(first, now, realSetTimeout);
}

/** When the timer goes off. */
let alarm = Infinity;
let timer: NodeJS.Timeout | undefined;
/** What it was set with. */
let setter = realSetTimeout;

/** One unref'd timer for all buckets. It is not cleared when nobody waits any more. */
function setAlarm(first: number, now: number, set: SetTimeout): void {
  if (alarm !== Infinity && set === setter) clearTimeout(timer);
  const due = Math.min(first, now + MAX_TIMEOUT);
  alarm = due;
  setter = set;
  // setTimeout cuts fractions off: one more. Beyond its limit it would fire after 1 ms, and it warns of what is below 0 (Node 24).
  // A setTimeout that somebody has put in its place may pass no arguments on, and may give a number, as in browsers.
  timer = set(() => onAlarm(due, set), Math.min(Math.ceil(Math.max(0, first - now)) + 1, MAX_TIMEOUT));
  (timer as { unref?: NodeJS.Timeout['unref'] }).unref?.();
}

function onAlarm(due: number, set: SetTimeout): void {
  const now = Math.max(performance.now(), due); // fake timers go off before their time
  alarm = Infinity;
  try {
    for (const { expiry, members } of buckets.values()) {
      while (expiry <= now && members.length > 0) members.at(-1)!.onTimeout(); // each one leaves
    }
  } finally {
    // One that threw (an application's method of its socket, say) must not take the others' timeouts away.
    const first = firstExpiry();
    if (first < alarm) setAlarm(first, now, set);
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
