/**
 * The closure of a TLS connection as three tables: our half, the peer's half, and what a call is answered. Pure: no I/O, no Node.
 *
 * The two halves are independent (RFC 8446 section 6.1: "closes only one direction"). So each has its own table, and events of different halves
 * commute. What is not in a table changes nothing: a final state stays.
 */
import type { ShutdownErrorCode } from '../errors.js';
import type { ReceivedState, SentState, ShutdownState } from '../types.js';

/**
 * Our half.
 * - `open`: nobody has ended it
 * - `queued`: `end()` was called, or is to be called at the end of this turn; data may stand before the alert
 * - `held`: Node has asked for the end in a turn that may be that of a read callback; it waits for the end of the turn
 * - `sending`: the alert was handed to the transport; its flush is not reported yet
 * - `settling`: the flush is reported; a turn later it is known whether the alert was in it
 * - `quieting`: an end without an alert is under way
 * - `close_notify`: the alert and the transport's FIN were handed to the kernel
 * - `quiet`: the transport was ended without an alert
 * - `held_back`: OpenSSL wrote no alert, though the transport lived
 * - `refused`: the transport was dead before our alert could be handed to it
 */
export type OurState = 'open' | 'queued' | 'held' | 'sending' | 'settling' | 'quieting' | 'close_notify' | 'quiet' | 'held_back' | 'refused';

/**
 * - `end`: a call, or somebody's `end()` that is noticed
 * - `end_quietly`: a call with `quiet`
 * - `hold`: Node asks for the end, perhaps in a read callback
 * - `send`: Node asks for the end, or it was held and may go on
 * - `flushed`, `nothing_written`, `refused`, `in_doubt`: what became of the alert
 * - `flushed_quietly`: all data is with the kernel, and the transport has ended
 */
export type OurEvent = 'end' | 'end_quietly' | 'hold' | 'send' | 'flushed' | 'nothing_written' | 'refused' | 'in_doubt' | 'flushed_quietly';

/**
 * The peer's half.
 * - `open`: the peer has not ended its side
 * - `judging`: reading has ended by a FIN, or by something that can't be told; the verdict is final a turn later
 * - `late`: reading had ended before anybody watched; the transport is asked twice, a whole poll apart
 * - `ended`: TLS has ended by itself; by `close_notify`, if our own alert leaves
 * - `close_notify`, `fin`, `error`, `unverified`: final
 */
export type PeerState = 'open' | 'judging' | 'late' | 'ended' | 'close_notify' | 'fin' | 'error' | 'unverified';

/**
 * - `judge`: reading has ended, by a FIN or by something that can't be told
 * - `was_over`: it had ended before anybody watched
 * - `end`: TLS has ended by itself, and our alert is not out yet
 * - `our_alert_left`, `our_alert_never`: what became of our alert behind such an `end`
 * - `proved`: TLS has ended while the last byte of a record was fed, and our alert is out
 * - `cut`, `untold`: the verdict
 * - `failed`: a TLS error, or an error of the transport
 */
export type PeerEvent = 'judge' | 'was_over' | 'end' | 'our_alert_left' | 'our_alert_never' | 'proved' | 'cut' | 'untold' | 'failed';

type Table<State extends string, Event extends string> = Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;

export const OURS: Table<OurState, OurEvent> = {
  open: { end: 'queued', end_quietly: 'quieting' },
  queued: { hold: 'held', send: 'sending', flushed: 'close_notify', nothing_written: 'held_back', refused: 'refused' },
  held: { send: 'sending' },
  sending: { flushed: 'close_notify', nothing_written: 'held_back', refused: 'refused', in_doubt: 'settling' },
  settling: { flushed: 'close_notify', nothing_written: 'held_back', refused: 'refused' },
  quieting: { flushed_quietly: 'quiet' },
  close_notify: {},
  quiet: {},
  held_back: {},
  refused: {},
};

export const PEERS: Table<PeerState, PeerEvent> = {
  open: { judge: 'judging', was_over: 'late', end: 'ended', proved: 'close_notify', untold: 'unverified', failed: 'error' },
  judging: { end: 'ended', cut: 'fin', untold: 'unverified', failed: 'error' },
  late: { end: 'ended', untold: 'unverified', failed: 'error' },
  ended: { our_alert_left: 'close_notify', our_alert_never: 'unverified', failed: 'error' },
  close_notify: {},
  fin: {},
  error: {},
  unverified: {},
};

/** As `SSL_get_shutdown(3)` and our callers see it. */
const SENT: Readonly<Record<OurState, SentState>> = {
  open: 'open',
  queued: 'queued',
  held: 'queued',
  sending: 'queued',
  settling: 'queued',
  quieting: 'open',
  close_notify: 'close_notify',
  quiet: 'quiet',
  held_back: 'lost',
  refused: 'lost',
};
const RECEIVED: Readonly<Record<PeerState, ReceivedState>> = {
  open: 'open',
  judging: 'open',
  late: 'open',
  ended: 'unverified',
  close_notify: 'close_notify',
  fin: 'fin',
  error: 'error',
  unverified: 'unverified',
};

export function nextOfOurs(state: OurState, event: OurEvent): OurState {
  return OURS[state][event] ?? state;
}

export function nextOfPeer(state: PeerState, event: PeerEvent): PeerState {
  return PEERS[state][event] ?? state;
}

export function seen(ours: OurState, peer: PeerState): ShutdownState {
  return { sent: SENT[ours], received: RECEIVED[peer] };
}

/** Whether nothing happens to our half any more. */
export function isDone(ours: OurState): boolean {
  return Object.keys(OURS[ours]).length === 0;
}

/** What a call waits for: our alert flushed (step 1), the peer's as well (step 2), or the end of a quiet shutdown. */
export type Goal = 'sent' | 'both' | 'quiet';

/** All that an answer depends on. */
export interface Closure {
  readonly ours: OurState;
  readonly peer: PeerState;
  readonly life: 'alive' | 'destroyed';
  /** The kind of the error that the connection had, if it had one. */
  readonly error: 'ERR_TLS_SHUTDOWN_PROTOCOL' | 'ERR_TLS_SHUTDOWN_TRANSPORT' | undefined;
}

/** The answer to a call: 1, 0, or the code of a -1; `undefined` while it has to wait. The first line that fits counts. */
export function answer({ ours, peer, life, error }: Closure, goal: Goal): 1 | 0 | ShutdownErrorCode | undefined {
  const destroyed = life === 'destroyed';
  if (destroyed && ours === 'settling') return undefined;
  if (peer === 'judging' || peer === 'late') return undefined;
  if (goal === 'quiet') {
    // A quiet call ends by destroying the socket, and not before: until then it goes on discarding, lest the close become a reset.
    if (!destroyed) return undefined;
    return isDone(ours) ? 1 : (error ?? 'ERR_TLS_SHUTDOWN_CLOSED');
  }
  if (peer === 'error' && ours !== 'quiet') return error ?? 'ERR_TLS_SHUTDOWN_PROTOCOL';
  if (ours === 'quieting' || ours === 'quiet') return 'ERR_TLS_SHUTDOWN_NOT_SENT'; // SSL_shutdown(3) would say 1, which is proof here
  if (!isDone(ours) && !destroyed) return undefined; // step 1 is done first, whatever the peer did
  if (ours === 'close_notify' && peer === 'close_notify') return 1;
  if (ours === 'close_notify' && peer === 'open' && !destroyed) return goal === 'sent' ? 0 : undefined;
  if (peer === 'fin') return 'ERR_TLS_SHUTDOWN_TRUNCATED';
  if (ours === 'held_back') return 'ERR_TLS_SHUTDOWN_NOT_SENT';
  if (peer === 'ended' || peer === 'unverified') return 'ERR_TLS_SHUTDOWN_UNVERIFIED';
  if (ours === 'refused') return 'ERR_TLS_SHUTDOWN_TRANSPORT';
  return error ?? 'ERR_TLS_SHUTDOWN_CLOSED'; // destroyed
}
