/** Every cell of the three tables, and every order of events up to length 5, against the laws. */
import { expect } from 'chai';
import { OURS, PEERS, answer, isDone, nextOfOurs, nextOfPeer, seen, type Closure, type Goal, type OurEvent, type OurState, type PeerEvent, type PeerState } from '../../src/closure/closure.js';

const OUR_EVENTS: OurEvent[] = ['end', 'end_quietly', 'hold', 'send', 'flushed', 'nothing_written', 'refused', 'in_doubt', 'flushed_quietly'];
const PEER_EVENTS: PeerEvent[] = ['judge', 'was_over', 'end', 'our_alert_left', 'our_alert_never', 'proved', 'cut', 'untold', 'failed'];
const OUR_STATES = Object.keys(OURS) as OurState[];
const PEER_STATES = Object.keys(PEERS) as PeerState[];
const GOALS: Goal[] = ['sent', 'both', 'quiet'];
const OUR_FINAL: OurState[] = ['close_notify', 'quiet', 'held_back', 'refused'];
const PEER_FINAL: PeerState[] = ['close_notify', 'fin', 'error', 'unverified'];

/** The tables, written a second time and in another form. */
const OUR_CELLS = `
  open: end queued, end_quietly quieting
  queued: hold held, send sending, flushed close_notify, nothing_written held_back, refused refused
  held: send sending
  sending: flushed close_notify, nothing_written held_back, refused refused, in_doubt settling
  settling: flushed close_notify, nothing_written held_back, refused refused
  quieting: flushed_quietly quiet`;
const PEER_CELLS = `
  open: judge judging, was_over late, end ended, proved close_notify, untold unverified, failed error
  judging: end ended, cut fin, untold unverified, failed error
  late: end ended, untold unverified, failed error
  ended: our_alert_left close_notify, our_alert_never unverified, failed error`;

function cells(drawn: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const line of drawn.trim().split('\n')) {
    const [from = '', events = ''] = line.trim().split(': ');
    for (const one of events.split(', ')) result.set(`${from} ${one.split(' ')[0]}`, one.split(' ')[1]!);
  }
  return result;
}

function* orders<Event>(events: readonly Event[], longest: number): Generator<Event[]> {
  yield [];
  if (longest === 0) return;
  for (const rest of orders(events, longest - 1)) for (const event of events) yield [...rest, event];
}

const ours = (events: readonly OurEvent[]): OurState => events.reduce(nextOfOurs, 'open');
const peer = (events: readonly PeerEvent[]): PeerState => events.reduce(nextOfPeer, 'open');

function* closures(): Generator<Closure> {
  for (const life of ['alive', 'destroyed'] as const) {
    for (const error of [undefined, 'ERR_TLS_SHUTDOWN_PROTOCOL', 'ERR_TLS_SHUTDOWN_TRANSPORT'] as const) {
      for (const o of OUR_STATES) for (const p of PEER_STATES) yield { ours: o, peer: p, life, error };
    }
  }
}

describe('the tables of the closure', () => {
  it('have each cell of our half', () => {
    const drawn = cells(OUR_CELLS);
    for (const state of OUR_STATES) for (const event of OUR_EVENTS) expect(nextOfOurs(state, event), `${state} ${event}`).to.equal(drawn.get(`${state} ${event}`) ?? state);
  });

  it("have each cell of the peer's half", () => {
    const drawn = cells(PEER_CELLS);
    for (const state of PEER_STATES) for (const event of PEER_EVENTS) expect(nextOfPeer(state, event), `${state} ${event}`).to.equal(drawn.get(`${state} ${event}`) ?? state);
  });

  it('keep a final state, whatever comes', () => {
    for (const state of OUR_FINAL) for (const event of OUR_EVENTS) expect(nextOfOurs(state, event)).to.equal(state);
    for (const state of PEER_FINAL) for (const event of PEER_EVENTS) expect(nextOfPeer(state, event)).to.equal(state);
    expect(OUR_STATES.filter(isDone)).to.have.members(OUR_FINAL);
  });

  it("lead to the peer's close_notify by a proof only: fed and not asked, or our alert behind an end of TLS", () => {
    for (const events of orders(PEER_EVENTS, 5)) {
      if (peer(events) !== 'close_notify') continue;
      const proved = events.indexOf('proved');
      const byAlert = events.some((event, i) => event === 'our_alert_left' && peer(events.slice(0, i)) === 'ended');
      expect(byAlert || (proved !== -1 && peer(events.slice(0, proved)) === 'open'), events.join()).to.equal(true);
    }
  });

  it('never lead from a FIN, a TLS error or an end that can not be told to anything else', () => {
    for (const events of orders(PEER_EVENTS, 5)) {
      const first = events.findIndex((_, i) => PEER_FINAL.includes(peer(events.slice(0, i + 1))));
      if (first !== -1) expect(peer(events)).to.equal(peer(events.slice(0, first + 1)));
    }
  });

  it('lead to our close_notify only if somebody has ended our side and nothing says that the alert did not leave', () => {
    for (const events of orders(OUR_EVENTS, 5)) {
      const state = ours(events);
      if (state === 'close_notify') expect(events).to.include('end').and.to.include('flushed');
      if (state === 'quiet' || state === 'quieting') expect(events.findIndex((event) => event === 'end_quietly')).to.satisfy((i: number) => i >= 0 && !events.slice(0, i).includes('end'));
    }
  });

  it('show nothing to callers that takes back what they have seen, but an unverified end that is proved or fails', () => {
    for (const events of orders(PEER_EVENTS, 5)) {
      const shown = events.map((_, i) => seen('open', peer(events.slice(0, i + 1))).received);
      for (const [i, received] of shown.entries()) {
        if (received !== 'open' && received !== 'unverified') expect(new Set(shown.slice(i)).size).to.equal(1);
        if (received === 'unverified') expect(shown.slice(i).every((later) => ['unverified', 'close_notify', 'error'].includes(later))).to.equal(true);
      }
    }
  });
});

describe('the answer', () => {
  it('is 1 without quiet only when both alerts are exchanged', () => {
    for (const closure of closures()) {
      for (const goal of ['sent', 'both'] as const) {
        if (answer(closure, goal) === 1) expect(closure).to.include({ ours: 'close_notify', peer: 'close_notify' });
      }
    }
  });

  it('is 1 whenever both alerts are exchanged, destroyed or not', () => {
    for (const closure of closures()) {
      if (closure.ours !== 'close_notify' || closure.peer !== 'close_notify') continue;
      for (const goal of ['sent', 'both'] as const) expect(answer(closure, goal)).to.equal(1);
    }
  });

  it('is 0 only where a second call can succeed', () => {
    for (const closure of closures()) {
      if (answer(closure, 'sent') === 0) expect(closure).to.include({ ours: 'close_notify', peer: 'open', life: 'alive' });
      for (const goal of ['both', 'quiet'] as const) expect(answer(closure, goal)).not.to.equal(0);
    }
  });

  it('is 1 with quiet only at the end of the socket, when all is flushed', () => {
    for (const closure of closures()) {
      if (answer(closure, 'quiet') !== 1) continue;
      expect(closure.life).to.equal('destroyed');
      expect(isDone(closure.ours)).to.equal(true);
    }
  });

  it('is there in the end: once the socket is destroyed no call waits, but for a verdict that is a turn away', () => {
    for (const closure of closures()) {
      if (closure.life === 'alive') continue;
      const soon = closure.ours === 'settling' || closure.peer === 'judging' || closure.peer === 'late';
      for (const goal of GOALS) expect(answer(closure, goal) === undefined, JSON.stringify(closure)).to.equal(soon);
    }
  });

  it('waits for our alert, whatever the peer did, while the connection can still send it', () => {
    for (const closure of closures()) {
      if (isDone(closure.ours) || closure.life === 'destroyed' || closure.peer === 'error' || closure.ours === 'quieting') continue;
      for (const goal of GOALS) expect(answer(closure, goal)).to.equal(undefined);
    }
  });

  const FIRST_OF: [when: (closure: Closure) => boolean, code: string][] = [
    [({ peer: p, ours: o }) => p === 'error' && o !== 'quiet', 'the error'],
    [({ ours: o }) => o === 'quieting' || o === 'quiet', 'ERR_TLS_SHUTDOWN_NOT_SENT'],
    [({ peer: p }) => p === 'fin', 'ERR_TLS_SHUTDOWN_TRUNCATED'],
    [({ ours: o }) => o === 'held_back', 'ERR_TLS_SHUTDOWN_NOT_SENT'],
    [({ peer: p }) => p === 'unverified' || p === 'ended', 'ERR_TLS_SHUTDOWN_UNVERIFIED'],
    [({ ours: o }) => o === 'refused', 'ERR_TLS_SHUTDOWN_TRANSPORT'],
    [({ life }) => life === 'destroyed', 'the error'],
  ];

  it('names the first reason that fits', () => {
    for (const closure of closures()) {
      for (const goal of ['sent', 'both'] as const) {
        const said = answer(closure, goal);
        if (typeof said !== 'string') continue;
        const [, code = ''] = FIRST_OF.find(([fits]) => fits(closure)) ?? [];
        const ofError = closure.error ?? (closure.peer === 'error' ? 'ERR_TLS_SHUTDOWN_PROTOCOL' : 'ERR_TLS_SHUTDOWN_CLOSED');
        expect(said, JSON.stringify(closure)).to.equal(code === 'the error' ? ofError : code);
      }
    }
  });
});
