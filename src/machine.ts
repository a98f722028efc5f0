/**
 * The whole of TLS closure as two small tables. Pure: no I/O, no Node.
 *
 * The two halves are independent (RFC 8446 section 6.1: "closes only one direction"), so each has its own table, and events of different
 * halves commute. What is not in a table changes nothing: a final state stays.
 */
import type { ReceivedState, SentState, ShutdownReturn, ShutdownState } from './types.js';

/** What can happen to our half. */
export type SentEvent = 'end' | 'alert_written' | 'alert_lost' | 'quiet_fin';
/** What can happen to the peer's half. */
export type ReceivedEvent = 'peer_close_notify' | 'peer_fin' | 'peer_error' | 'peer_unverified' | 'end_proved' | 'end_failed';
export type ShutdownEvent = SentEvent | ReceivedEvent;

type Table<State extends string, Event extends string> = Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;

export const SENT: Table<SentState, SentEvent> = {
  open: { end: 'queued', alert_written: 'close_notify', alert_lost: 'lost', quiet_fin: 'quiet' },
  queued: { alert_written: 'close_notify', alert_lost: 'lost' }, // a queued alert can't be taken back, so no quiet_fin
  close_notify: {},
  quiet: {},
  lost: {},
};

export const RECEIVED: Table<ReceivedState, ReceivedEvent> = {
  open: { peer_close_notify: 'close_notify', peer_fin: 'fin', peer_error: 'error', peer_unverified: 'unverified' },
  close_notify: {},
  fin: {},
  error: {},
  unverified: { end_proved: 'close_notify', end_failed: 'error' }, // the end looked clean, and our alert has left behind it, as it does behind no fatal alert
};

const EVENTS: readonly ShutdownEvent[] = ['end', 'alert_written', 'alert_lost', 'quiet_fin', 'peer_close_notify', 'peer_fin', 'peer_error', 'peer_unverified', 'end_proved', 'end_failed'];

/** Each state is one frozen object, so that a transition allocates nothing. They are made when first met: all at import would take 0.5 ms. */
const STATES = new Map<string, ShutdownState>();

/** The state of these two halves. */
export function stateOf(sent: SentState, received: ReceivedState): ShutdownState {
  const name = `${sent} ${received}`;
  const known = STATES.get(name);
  if (known !== undefined) return known;
  const state = Object.freeze({ sent, received });
  STATES.set(name, state);
  return state;
}

/** Nothing has ended. */
export const OPEN = stateOf('open', 'open');
/** Both alerts: clean. */
export const CLOSED = stateOf('close_notify', 'close_notify');

function after({ sent, received }: ShutdownState, event: ShutdownEvent): ShutdownState {
  return stateOf(SENT[sent][event as SentEvent] ?? sent, RECEIVED[received][event as ReceivedEvent] ?? received);
}

type Row = Readonly<Record<ShutdownEvent, ShutdownState>>;

/** Each cell is computed once: four look-ups by a varying name were measurable in each of the three events of a closure. */
const NEXT = new Map<ShutdownState, Row>();

/** The state after `event`; `state` is one that `stateOf` or `next` gave. */
export function next(state: ShutdownState, event: ShutdownEvent): ShutdownState {
  let row = NEXT.get(state);
  if (row === undefined) NEXT.set(state, (row = Object.fromEntries(EVENTS.map((each) => [each, after(state, each)])) as Row));
  return row[event];
}

/** What a call waits for: our alert flushed (step 1), the peer's as well (step 2), or only that everything written is flushed (`quiet`). */
export type Goal = 'sent' | 'both' | 'quiet';

/** The return value of a call with this goal in this state; `undefined` while it has to wait. */
export function returnValue({ sent, received }: ShutdownState, goal: Goal): ShutdownReturn | undefined {
  if (sent === 'quiet' && goal !== 'quiet') return -1; // SSL_shutdown(3) would say 1, which is proof here
  if (received === 'error' && goal !== 'quiet') return -1; // nothing can be sent any more
  if (sent === 'open' || sent === 'queued') return undefined; // step 1 is done first, whatever else the peer did
  if (goal === 'quiet') return 1;
  if (sent === 'lost') return -1;
  if (received === 'close_notify') return 1;
  if (received === 'open') return goal === 'sent' ? 0 : undefined;
  return -1;
}
