import { expect } from 'chai';
import { RECEIVED, SENT, next, returnValue, stateOf, type ReceivedEvent, type SentEvent, type ShutdownEvent } from '../src/machine.js';
import type { ReceivedState, SentState, ShutdownState } from '../src/types.js';

const SENT_STATES: SentState[] = ['open', 'queued', 'close_notify', 'quiet', 'lost'];
const RECEIVED_STATES: ReceivedState[] = ['open', 'close_notify', 'fin', 'error', 'unverified'];
const SENT_EVENTS: SentEvent[] = ['end', 'alert_written', 'alert_lost', 'quiet_fin'];
const RECEIVED_EVENTS: ReceivedEvent[] = ['peer_close_notify', 'peer_fin', 'peer_error', 'peer_unverified'];
const EVENTS: ShutdownEvent[] = [...SENT_EVENTS, ...RECEIVED_EVENTS];

// The design's rules, written a second time and in another form: a final half stays, a queued alert can't be taken back.
function expectedSent(state: SentState, event: SentEvent): SentState {
  if (state === 'close_notify' || state === 'quiet' || state === 'lost') return state;
  if (event === 'end') return 'queued';
  if (event === 'quiet_fin') return state === 'queued' ? 'queued' : 'quiet';
  return event === 'alert_written' ? 'close_notify' : 'lost';
}

function run(events: readonly ShutdownEvent[]): ShutdownState {
  return events.reduce(next, stateOf('open', 'open'));
}

function* sequences(length: number): Generator<ShutdownEvent[]> {
  if (length === 0) return yield [];
  for (const head of sequences(length - 1)) for (const event of EVENTS) yield [...head, event];
}

describe('machine', () => {
  for (const sent of SENT_STATES) {
    for (const received of RECEIVED_STATES) {
      for (const event of EVENTS) {
        it(`goes on as the rules say from ${sent}/${received} at ${event}`, () => {
          const ofOurs = (SENT_EVENTS as ShutdownEvent[]).includes(event);
          const expected = ofOurs
            ? { sent: expectedSent(sent, event as SentEvent), received }
            : { sent, received: received === 'open' ? event.slice('peer_'.length) : received };
          expect(next(stateOf(sent, received), event)).to.deep.equal(expected);
        });
      }
    }
  }

  it('has a row for every state and no others', () => {
    expect(Object.keys(SENT)).to.have.members(SENT_STATES);
    expect(Object.keys(RECEIVED)).to.have.members(RECEIVED_STATES);
  });

  it('keeps its laws in every order of events up to length 5', () => {
    let count = 0;
    for (let length = 0; length <= 5; length++) {
      for (const events of sequences(length)) {
        count++;
        const state = run(events);
        // The halves are independent: each is what its own events make of it (so events of different halves commute).
        expect(state.sent).to.equal(run(events.filter((event) => (SENT_EVENTS as string[]).includes(event))).sent);
        expect(state.received).to.equal(run(events.filter((event) => (RECEIVED_EVENTS as string[]).includes(event))).received);
        // The first of the peer's events is the verdict for ever.
        const verdict = events.find((event) => event.startsWith('peer_'));
        expect(state.received).to.equal(verdict === undefined ? 'open' : verdict.slice('peer_'.length));
        // Without quiet, 1 only if both alerts were exchanged.
        for (const goal of ['sent', 'both'] as const) {
          if (returnValue(state, goal) === 1) expect(state).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
        }
        // 0 promises that a second call can succeed.
        if (returnValue(state, 'sent') === 0) expect(returnValue(next(state, 'peer_close_notify'), 'both')).to.equal(1);
        // What is settled stays settled, whatever comes.
        for (const goal of ['both', 'quiet'] as const) {
          const value = returnValue(state, goal);
          if (value !== undefined && state.received !== 'error') for (const event of EVENTS) expect(returnValue(next(state, event), goal)).to.equal(value);
        }
      }
    }
    expect(count).to.equal(1 + 8 + 64 + 512 + 4096 + 32768);
  });

  for (const sent of SENT_STATES) {
    for (const received of RECEIVED_STATES) {
      it(`answers as SSL_shutdown(3) in ${sent}/${received}`, () => {
        const state = stateOf(sent, received);
        const busy = sent === 'open' || sent === 'queued';
        const broken = received === 'error'; // nothing can be sent any more
        const failed = sent === 'lost' || sent === 'quiet' || (sent === 'close_notify' && received !== 'open' && received !== 'close_notify');
        const done = sent === 'close_notify' && received === 'close_notify';
        expect(returnValue(state, 'both')).to.equal(broken ? -1 : busy ? undefined : failed ? -1 : done ? 1 : undefined);
        expect(returnValue(state, 'sent')).to.equal(broken ? -1 : busy ? undefined : failed ? -1 : done ? 1 : 0);
        expect(returnValue(state, 'quiet')).to.equal(busy ? undefined : 1);
      });
    }
  }
});
