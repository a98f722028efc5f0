/**
 * What the pure tables allow a call to be answered, by what was to be seen from outside: what crossed, what the caller did, whether the socket was destroyed.
 * Where that leaves several states open, each of their answers is allowed; what is certain leaves one.
 */
import { answer, type Closure, type Goal, type OurState, type PeerState } from '../../src/closure/closure.js';
import type { Called } from './calls.js';
import type { Played } from './play.js';
import { isWrap } from './plan.js';

type Answer = ReturnType<typeof answer>;

/** The first call that found our half open decides how it is ended. */
function isQuiet({ caller }: Played, until: number): boolean {
  const first = caller.calls.find(({ before, wasDestroyed, plan }) => before.sent === 'open' && !wasDestroyed && plan.abort !== 'before');
  return first !== undefined && first.plan.quiet && first.startedAt <= until;
}

/** What our half may be in at the time `at`, of a socket that still lives then. */
function ours(played: Played, settledAt: number): OurState[] {
  const { toUs, toPeer } = played.proxy.lanes;
  const at = Math.min(settledAt, played.caller.destroyedAt);
  if (isQuiet(played, settledAt)) return ['quieting', 'quiet'];
  if (toPeer.log.closedKnownAt <= at) return ['close_notify'];
  const mayBeLost = toUs.log.wasReset || played.proxy.lineFailed;
  if (toPeer.log.closedAt !== undefined || mayBeLost) return ['queued', 'sending', 'settling', 'close_notify', ...(mayBeLost ? (['refused'] as const) : [])];
  const never: OurState[] = isOverDuplex(played) && (toUs.log.finDelivered || played.caller.destroyedAt < at) ? ['refused', 'held_back'] : [];
  return ['queued', 'held', 'sending', ...never];
}

function isOverDuplex({ plan: { kind } }: Played): boolean {
  return kind !== 'TCP' && kind !== 'a Unix socket';
}

/** And the peer's. */
function peers(played: Played, called: Called, at: number): PeerState[] {
  const { plan, proxy, caller } = played;
  const { log } = proxy.lanes.toUs;
  const states: PeerState[] = [];
  if (log.wasReset || caller.heard.errors.some((code) => code.startsWith('ERR_SSL') || /^E[A-Z]+$/.test(code))) states.push('error');
  const wasSeen = isWrap(plan) || plan.watched === 'early' || caller.watchedAt < Math.min(caller.destroyedAt, caller.closedAt);
  const wasMissed = !wasSeen || caller.hadEndedUnseen || (log.crossedAt ?? 0) <= caller.watchedAt; // of a FIN: an alert may be hidden before it
  if (plan.watched === 'late' && !isWrap(plan) && wasMissed) states.push('unverified');
  // Nobody knows of it any more once it is destroyed, and not yet while its buffer is full.
  const isKnown = Math.min(log.crossedKnownAt, log.finKnownAt) <= Math.min(at, caller.destroyedAt) && called.settled?.isFull === false;
  if (log.crossedAt !== undefined && log.crossedAt <= at) states.push('close_notify', 'ended');
  if (log.crossedAt === undefined && log.finDelivered) states.push('fin');
  if (!isKnown || !wasSeen) states.push('open', 'judging');
  return states;
}

function goalOf({ before, plan: { quiet, bidirectional } }: Called): Goal {
  if (quiet) return 'quiet';
  return bidirectional || before.sent === 'close_notify' || before.sent === 'lost' || before.sent === 'quiet' ? 'both' : 'sent';
}

/** Each answer that fits; `undefined` is to wait on. */
export function allowed(played: Played, called: Called): Set<Answer> {
  const { at, isDestroyed } = called.settled!;
  const lives: Closure['life'][] = isDestroyed ? ['alive', 'destroyed'] : ['alive'];
  const kinds = played.caller.heard.errors.map((code) => (code.startsWith('ERR_SSL') ? 'ERR_TLS_SHUTDOWN_PROTOCOL' : 'ERR_TLS_SHUTDOWN_TRANSPORT'));
  const errors: Closure['error'][] = [undefined, ...kinds];
  const answers = new Set<Answer>();
  for (const our of ours(played, at)) {
    for (const peer of peers(played, called, at)) {
      if (our === 'close_notify' && peer === 'ended') continue; // our alert is the proof of the peer's
      for (const life of lives) for (const error of errors) answers.add(answer({ ours: our, peer, life, error }, goalOf(called)));
    }
  }
  return answers;
}
