/** What holds for every sequence, by what crossed, what the caller did and what he read: no byte lost or invented, each call answered in time, nothing left. */
import { StringDecoder } from 'node:string_decoder';
import type { ShutdownErrorCode, ShutdownState } from '../../src/index.js';
import { PATTERN } from '../../test/support/fault-peer.js';
import type { Called } from './calls.js';
import type { Played } from './play.js';
import { allowed } from './specification.js';

/** All that is wrong, whatever plain Node does. */
export function broken(played: Played): string[] {
  const { caller } = played;
  return [...caller.wrong, ...caller.calls.flatMap((called) => [...single(played, called)]), ...verdicts(played), ...together(played), ...bytes(played), ...leftovers(played)];
}

const isProof = ({ settled, plan }: Called): boolean => settled?.value === 'unwrapped' || (settled?.value === 1 && !plan.quiet);

/** One call. */
function* single(played: Played, called: Called): Generator<string> {
  const { proxy } = played;
  const { toUs, toPeer } = proxy.lanes;
  const { settled, plan, timeout, startedAt, isLate, isDeaf } = called;
  const name = `${plan.how} of ${timeout} ms`;
  if (settled === undefined) return void (yield `${name} never settled`);
  const { value, code, at, error } = settled;
  if (isLate) yield `${name} took ${Math.round(at - startedAt)}`;
  if (isDeaf) yield `${name} was aborted, and went on`;
  if (value === 'rejected') yield `${name} rejected with ${String(error)}`;
  if (value === 'aborted' && plan.abort === 'never') yield `${name} was aborted by nobody`;
  if (plan.abort === 'before' && value !== 'aborted') yield `${name} was aborted before, and came to ${value}`;
  if (value === 'aborted' || value === 'rejected') return;
  if (isProof(called) && (toUs.log.crossedAt ?? Infinity) > at) yield `${name}: ${value}, and the peer's alert had not crossed`;
  if (isProof(called) && toPeer.log.closedAt === undefined && !proxy.lineFailed) yield `${name}: ${value}, and our alert did not come`;
  if (value === 0 && toPeer.log.closedAt === undefined && !proxy.lineFailed) yield `${name}: 0, and our alert did not come`;
  if (value === 0 && played.plan.watched === 'early' && toUs.log.crossedKnownAt <= startedAt && !settled.isFull) yield `${name}: 0, and the peer's alert had crossed long before`;
  const answers = allowed(played, called);
  const mayWait = answers.has(undefined) && at - startedAt >= timeout - 1;
  const fits = value === 'unwrapped' ? answers.has(1) : value === -1 ? fitsCode(answers, code, mayWait) : answers.has(value);
  const isQuietAtItsEnd = plan.quiet && value === 1 && mayWait;
  if (!fits && !isQuietAtItsEnd) yield `${name}${plan.bidirectional ? ', both' : ''}${plan.quiet ? ', quiet' : ''}: ${code ?? value}, and the tables say ${[...answers].map((one) => one ?? 'wait').join(' or ')}`;
}

function fitsCode(answers: ReturnType<typeof allowed>, code: ShutdownErrorCode | undefined, mayWait: boolean): boolean {
  if (code === undefined) return mayWait || [...answers].some((one) => typeof one === 'string');
  return code === 'ERR_TLS_SHUTDOWN_TIMEOUT' ? mayWait : answers.has(code);
}

/** What a half may become; of what is not here, nothing else. */
const NEXT: Readonly<Record<string, readonly string[]>> = { open: ['queued', 'quiet', 'lost', 'close_notify', 'fin', 'error', 'unverified'], queued: ['close_notify', 'lost', 'quiet'], unverified: ['close_notify', 'error'] };

/** What is final never changes. */
function* verdicts({ caller, proxy, stateAtLast }: Played): Generator<string> {
  const { toUs, toPeer } = proxy.lanes;
  const states = [...caller.states, stateAtLast];
  for (const half of ['sent', 'received'] as const) {
    for (const [i, { [half]: now }] of states.entries()) {
      const before = states[i - 1]?.[half] ?? now;
      if (now !== before && NEXT[before]?.includes(now) !== true) yield `${half} was ${before}, and then ${now}`;
    }
  }
  if (states.some(({ received }) => received === 'close_notify') && toUs.log.crossedAt === undefined) yield 'received is close_notify, and the alert did not cross';
  if (states.some(({ received }) => received === 'fin') && (toUs.log.crossedAt !== undefined || !toUs.log.finDelivered)) yield 'received is fin, and there was none';
  if (wasSent(stateAtLast) && toPeer.log.closedAt === undefined && !proxy.lineFailed) yield 'sent is close_notify, and no alert came';
  const answers = caller.calls.filter(({ settled, plan }) => !plan.quiet && plan.how !== 'unwrap' && settled !== undefined && (settled.value === 1 || isFinal(settled.code)));
  const [first] = answers;
  const other = answers.find(({ settled }) => settled!.value !== first!.settled!.value || settled!.code !== first!.settled!.code);
  if (other !== undefined) yield `a call came to ${first!.settled!.code ?? first!.settled!.value}, and one to ${other.settled!.code ?? other.settled!.value}`;
}

const wasSent = ({ sent }: ShutdownState): boolean => sent === 'close_notify';

/** No later call may come to anything else. */
function isFinal(code: ShutdownErrorCode | undefined): boolean {
  return code !== undefined && code !== 'ERR_TLS_SHUTDOWN_TIMEOUT' && code !== 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE';
}

/** Calls at the same time that want the same come to the same. */
function* together({ caller: { calls } }: Played): Generator<string> {
  const settled = calls.filter((one) => ['shutdown'].includes(one.plan.how) && one.settled !== undefined && typeof one.settled.value === 'number' && one.settled.code !== 'ERR_TLS_SHUTDOWN_TIMEOUT');
  for (const [i, a] of settled.entries()) {
    for (const b of settled.slice(i + 1)) {
      const isSame = a.plan.quiet === b.plan.quiet && a.plan.bidirectional === b.plan.bidirectional && a.before.sent === b.before.sent;
      const overlap = b.startedAt < a.settled!.at && a.startedAt < b.settled!.at;
      if (isSame && overlap && a.settled!.value !== b.settled!.value) yield `two calls at the same time came to ${a.settled!.value} and ${b.settled!.value}`;
    }
  }
}

const isPrefix = (part: Buffer, whole: Buffer): boolean => part.length <= whole.length && whole.subarray(0, part.length).equals(part);

/** What came, as the caller has read it; and how much of it he has not. */
export function reading({ proxy, caller }: Played): { readonly isTrue: boolean; readonly isWhole: boolean } {
  const { log } = proxy.lanes.toUs;
  const came = log.plaintext(log.intact);
  const bytes = Buffer.concat(caller.reader.pieces.filter((piece) => typeof piece !== 'string'));
  const text = caller.reader.pieces.filter((piece) => typeof piece === 'string').join('');
  const encoding = caller.socket.readableEncoding;
  if (encoding === null) return { isTrue: text === '' && isPrefix(bytes, came), isWhole: bytes.length === came.length };
  const decoder = new StringDecoder(encoding);
  const expected = decoder.write(came.subarray(bytes.length));
  const rest = decoder.end();
  return { isTrue: isPrefix(bytes, came) && (expected + rest).startsWith(text), isWhole: text.length >= expected.length && (caller.heard.end === 0 || text === expected + rest) };
}

/** Nothing is invented, or in another order. What is lost is asked elsewhere. */
function* bytes(played: Played): Generator<string> {
  const { proxy, caller, peer } = played;
  const arrived = proxy.lanes.toPeer.log.plaintext();
  if (!discards(played) && !reading(played).isTrue) yield 'it read what did not come so';
  if (!isPrefix(arrived, PATTERN) || arrived.length > caller.written) yield 'it sent what nobody has written';
  if (!isPrefix(Buffer.concat(peer.got), arrived)) yield 'the peer got something else';
}

export function discards({ caller }: Played): boolean {
  return caller.reader.throwsAway || caller.calls.some(({ plan }) => plan.abort !== 'before' && (plan.unread === 'discard' || plan.quiet));
}

/** Nothing is left. */
function* leftovers({ caller, listenersOfOurs, displaced }: Played): Generator<string> {
  const { end, finish, close, errors } = caller.heard;
  if (close > 1 || end > 1 || finish > 1 || errors.length > 1) yield `at last it had heard end ${end}, finish ${finish}, close ${close}, ${errors.length} errors`;
  if (listenersOfOurs.length > 0 && close === 1 && !caller.keepsOthersFromLeaving) yield `listeners are left: ${listenersOfOurs.join(', ')}`;
  if (displaced.length > 0) yield `not as the caller had put it: ${displaced.join('; ')}`;
}
