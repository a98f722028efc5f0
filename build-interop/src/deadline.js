/** The two things that end a wait from outside, a timeout and an `AbortSignal`, as one thing to cancel. */
/**
 * Waits that run out at about the same time share one unref'd timer: a timer for each of thousands of sockets was measurable.
 * The grid is 1/64 of the timeout, always rounded up: never early, at most 2 % late.
 */
class Bucket {
    members = new Set();
    #expiry;
    #timer;
    constructor(expiry, now) {
        this.#expiry = expiry;
        // setTimeout cuts fractions off and counts from the start of the turn: one more. Beyond its limit it would fire after 1 ms.
        this.#timer = setTimeout(() => this.#expire(), Math.min(Math.ceil(expiry - now) + 1, MAX_TIMEOUT));
        this.#timer.unref();
    }
    leave(member) {
        if (!this.members.delete(member) || this.members.size > 0)
            return;
        clearTimeout(this.#timer);
        buckets.delete(this.#expiry);
    }
    #expire() {
        buckets.delete(this.#expiry);
        for (const member of this.members)
            member.onTimeout();
    }
}
/** The longest finite timeout, in milliseconds: Node's own limit for timers. */
export const MAX_TIMEOUT = 2 ** 31 - 1;
const buckets = new Map();
function join(member, timeout) {
    const grid = Math.max(1, Math.floor(timeout / 64));
    const now = performance.now();
    const expiry = Math.ceil((now + timeout) / grid) * grid;
    let bucket = buckets.get(expiry);
    if (bucket === undefined)
        buckets.set(expiry, (bucket = new Bucket(expiry, now)));
    bucket.members.add(member);
    return bucket;
}
/** A timeout in milliseconds (`Infinity` for none) and a signal; the caller answers a timeout of 0 and an aborted signal itself. */
export class Deadline {
    #waiting;
    #signal;
    #bucket;
    constructor(waiting, timeout, signal) {
        this.#waiting = waiting;
        this.#signal = signal;
        if (timeout !== Infinity)
            this.#bucket = join(waiting, timeout);
        signal?.addEventListener('abort', this, { once: true });
    }
    /** Of the signal: an object that listens needs no closure. */
    handleEvent() {
        this.#waiting.onAbort(this.#signal?.reason);
    }
    cancel() {
        this.#bucket?.leave(this.#waiting);
        this.#signal?.removeEventListener('abort', this);
    }
}
