/** What happened on one connection, and when. */

export interface Event {
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** `both`: neither of them alone, as the handshake. */
  readonly from: 'us' | 'it' | 'both';
  readonly what: string;
  /** Of data: how much in a row. */
  bytes?: number;
}

export class Story {
  readonly events: Event[] = [];
  /** When it was over. */
  end = 0;
  readonly #start = performance.now();

  get now(): number {
    return performance.now() - this.#start;
  }

  add(from: Event['from'], what: string): void {
    this.events.push({ at: this.now, from, what });
  }

  /** How it has ended TLS is known only afterwards: it was at that time, and in front of its FIN. */
  insertEnd(at: number, what: string): void {
    const found = this.events.findIndex((event) => event.at > at || (event.from === 'it' && event.what.startsWith('FIN')));
    const index = found === -1 ? this.events.length : found;
    this.events.splice(index, 0, { at: Math.min(at, this.events[index]?.at ?? at), from: 'it', what });
  }

  /** Data of theirs; what comes in a row is one event. */
  data(bytes: number): void {
    const last = this.events.at(-1);
    if (last?.bytes !== undefined) last.bytes += bytes;
    else this.events.push({ at: this.now, from: 'it', what: 'data', bytes });
  }
}
