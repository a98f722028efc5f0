/** What the questions have in common. */
import type { Ending, Line } from '../line.js';
import type { Request, Wish } from '../requests/request.js';

export interface Means {
  /** What makes the server answer; `undefined` if nothing is known that would. */
  readonly request: (wish: Wish) => Request | undefined;
  /** Milliseconds. */
  readonly idle: number;
}

/** Asks on a connection that is open, and tells what came of it. */
export type Ask = (line: Line, means: Means) => Promise<Ending>;

export const NOTHING_TO_SEND: Ending = { end: 'error', elapsed: 0, detail: 'nothing is known that makes it answer and end: give it something to send' };
