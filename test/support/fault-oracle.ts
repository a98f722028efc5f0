/**
 * Was what our application was told true? Judged by the proxy's log of what was sent and delivered, and by the peer's report alone.
 * It shares no code with the package, and knows nothing of how that comes to its verdicts.
 */
import type { Answer } from './fault-call.js';
import { PATTERN } from './fault-peer.js';
import { endsByAlert, isWrap, mayStandUnread, type Plan } from './fault-plan.js';
import type { Played } from './fault-run.js';
import { isHarmless } from './faults.js';

export interface Judgement {
  /** What is wrong. */
  readonly wrong: readonly string[];
  /** For the table: did both alerts cross, and what was the answer? */
  readonly row: string;
  readonly column: string;
}

export function judge(played: Played): Judgement {
  const { application, proxy } = played;
  const { toUs, toPeer } = proxy.lanes;
  const wrong: string[] = [...bytes(played), ...halves(played), ...application.answers.flatMap((answer) => [...single(played, answer)]), ...leftovers(played)];
  const last = application.answers.findLast(({ isQuiet, value }) => !isQuiet && value !== 'aborted');
  const crossed = toUs.log.crossedAt !== undefined && toPeer.log.closedAt !== undefined;
  if (last === undefined) return { wrong, row: 'quiet', column: String(application.answers.at(-1)?.value) };
  const isOne = last.value === 1 || last.value === 'unwrapped';
  if (!crossed || isOne) return { wrong, row: crossed ? 'both alerts crossed' : 'not both crossed', column: isOne ? String(last.value) : (last.code ?? String(last.value)) };
  const reason = excuse(played, last);
  if (reason === undefined) wrong.push(`both alerts crossed, and the answer is ${last.code ?? last.value}`);
  return { wrong, row: 'both alerts crossed', column: `${last.code ?? last.value}, ${reason ?? 'for no reason'}` };
}

/** Why the answer may be none, though both alerts crossed: as the README's "What it cannot do" says. */
function excuse({ plan, application, proxy }: Played, { code, value, at }: Answer): string | undefined {
  const { toUs, toPeer } = proxy.lanes;
  const knownAt = Math.max(toUs.log.crossedKnownAt, toPeer.log.closedKnownAt);
  if (value === 0) return toUs.log.crossedKnownAt > at ? 'the peer came later' : mayStandUnread(plan) ? 'nobody read' : undefined;
  if (code === 'ERR_TLS_SHUTDOWN_TIMEOUT') return knownAt > at ? 'it crossed after the timeout' : mayStandUnread(plan) ? 'nobody read' : undefined;
  if (code === 'ERR_TLS_SHUTDOWN_UNVERIFIED') return plan.watched === 'late' ? 'watched late' : undefined;
  if (code === 'ERR_TLS_SHUTDOWN_CLOSED') return application.hasDestroyed ? 'the application destroyed it' : undefined;
  if (code === 'ERR_TLS_SHUTDOWN_TRANSPORT') return toUs.log.wasReset ? 'a reset' : undefined;
  if (code === 'ERR_TLS_SHUTDOWN_PROTOCOL') return toUs.log.ignored > 0 ? 'an injection that another OpenSSL ignores' : undefined;
  return undefined;
}

function isPrefix(part: Buffer, whole: Buffer): boolean {
  return part.length <= whole.length && whole.subarray(0, part.length).equals(part);
}

/** No byte is lost, and none is invented. */
function* bytes(played: Played): Generator<string> {
  const { plan, proxy, peer, application, state, hadError, plain } = played;
  const { toUs, toPeer } = proxy.lanes;
  const read = Buffer.concat(application.read);
  const readable = toUs.log.plaintext(toUs.log.intact);
  const discards = plan.unread === 'discard' || application.answers.some(({ isQuiet }) => isQuiet);
  const isWhole = !hadError && toUs.log.ignored === 0 && !application.hasDestroyed && !toUs.log.wasReset && !mayLose(plan) && !(plan.call === 'unwrap' && application.plain === undefined);
  if (!discards && !isPrefix(read, readable)) yield `it read ${read.length} bytes which are not the ${readable.length} delivered`;
  if (read.length > readable.length) yield `it read ${read.length} bytes, ${readable.length} were delivered`;
  if (!discards && isWhole && read.length < readable.length) yield `it read only ${read.length} of ${readable.length} bytes delivered`;
  const arrived = toPeer.log.plaintext();
  if (!isPrefix(arrived, PATTERN) || arrived.length > application.written) yield 'it sent what nobody has written';
  if (state.sent === 'close_notify' && !mayBeLost(played) && arrived.length < application.written) yield `it closed, and only ${arrived.length} of ${application.written} bytes written were sent`;
  const got = Buffer.concat(peer.got);
  const passed = toPeer.log.plaintext(toPeer.log.intact);
  if (!isPrefix(got, passed) || (peer.isWell && plan.faults.every(isHarmless) && got.length < passed.length)) yield `the peer got ${got.length} bytes, the proxy says ${passed.length}`;
  const behind = toUs.log.behindAlert;
  if (application.plain !== undefined && !(toUs.log.wasReset ? isPrefix(plain, behind) : plain.equals(behind))) yield `behind TLS it read ${plain.length} bytes of ${behind.length}`;
}

/**
 * Plain Node loses data there: behind `end()` in a read callback of a socket that nobody watches; and over a Duplex without `wrap`, when both sides have ended
 * and somebody has still to read, whoever ended ours.
 */
function mayLose({ kind, call, reader, watched }: Plan): boolean {
  if (kind.endsWith('Duplex') && !isWrap({ kind }) && reader !== 'flowing') return true;
  return watched === 'late' && (call === 'end() in data' || call === 'end() before');
}

/** The kernel had it, and the proxy did not get it: a reset, forged or by our kernel (for bytes that nobody reads any more), throws away what was under way. */
function mayBeLost({ proxy, plan, application }: Played): boolean {
  return proxy.lanes.toUs.log.wasReset || (proxy.lineFailed && (application.hasDestroyed || !plan.faults.every(isHarmless)));
}

/** What is said of each half. */
function* halves(played: Played): Generator<string> {
  const { proxy, state, statedAt, plan, application, isDestroyed } = played;
  const { toUs, toPeer } = proxy.lanes;
  const { sent, received } = state;
  const wasReset = mayBeLost(played);
  if (received === 'close_notify' && toUs.log.crossedAt === undefined) yield 'received is close_notify, and the alert did not cross';
  if (received === 'fin' && toUs.log.crossedAt !== undefined && toUs.log.ignored === 0) yield 'received is fin, and the alert crossed';
  if (received === 'fin' && !toUs.log.finDelivered && !wasReset) yield 'received is fin, and there was none';
  if (received === 'error' && plan.faults.every(isHarmless) && endsByAlert(plan) && !application.hasDestroyed) yield 'received is error, and there was none';
  // What ended before anybody watched is as Node's 'finish' says.
  if (sent === 'close_notify' && toPeer.log.closedAt === undefined && !wasReset && plan.watched === 'early') yield 'sent is close_notify, and no alert came';
  // Of a socket that was destroyed in between nobody says whether it left. Nor of one that was watched when it had failed already.
  const isUnknown = (sent === 'queued' && isDestroyed) || wasReset || (sent === 'lost' && received === 'error' && plan.watched === 'late');
  if (sent !== 'close_notify' && !isUnknown && toPeer.log.closedKnownAt < statedAt) yield `sent is ${sent}, and the alert came`;
}

/** One answer. */
function* single(played: Played, { value, code, isQuiet, took, timeout, isLate, at }: Answer): Generator<string> {
  const { proxy, plan, application } = played;
  const { toUs, toPeer } = proxy.lanes;
  const wasReset = mayBeLost(played);
  const ourAlert = toPeer.log.closedAt !== undefined || wasReset;
  if (value === 'never came') yield 'a call never settled';
  else if (isLate) yield `a call of ${timeout} ms took ${Math.round(took)}`;
  if (value === 'aborted' && plan.call !== 'aborted, then bidirectional') yield 'it was aborted by nobody';
  if (isQuiet) return;
  if (value === 1 || value === 'unwrapped') {
    if ((toUs.log.crossedAt ?? Infinity) > at) yield `${value}, and the peer's alert had not crossed`;
    if (!ourAlert) yield `${value}, and our alert did not come`;
  }
  if (value === 0 && !ourAlert) yield '0, and our alert did not come';
  if (value !== -1) return;
  const excused: Readonly<Record<string, boolean>> = {
    ERR_TLS_SHUTDOWN_TRUNCATED: toUs.log.crossedAt === undefined && (toUs.log.finDelivered || wasReset),
    ERR_TLS_SHUTDOWN_TIMEOUT: took >= timeout - 1,
    ERR_TLS_SHUTDOWN_UNVERIFIED: true,
    ERR_TLS_SHUTDOWN_NOT_SENT: toPeer.log.closedAt === undefined,
    ERR_TLS_SHUTDOWN_PROTOCOL: !plan.faults.every(isHarmless) && (toUs.log.crossedAt === undefined || toUs.log.ignored > 0),
    ERR_TLS_SHUTDOWN_TRANSPORT: wasReset || proxy.lineClosed,
    ERR_TLS_SHUTDOWN_CLOSED: application.hasDestroyed || proxy.lineClosed,
  };
  if (excused[code ?? ''] !== true) yield `-1 with ${code}, for no reason`;
}

/** Nothing is left open. */
function* leftovers({ plan, application, isClosed, listenersOfOurs, transportDestroyed }: Played): Generator<string> {
  if (!isClosed) yield 'the socket never closed';
  const left = listenersOfOurs.filter((name) => !name.includes('OnFinish')); // the watcher's, of an end() that nobody saw and that is not over
  if (left.some((name) => !name.includes('OnError')) || left.length > 1) yield `listeners are left: ${listenersOfOurs.join(', ')}`;
  if (plan.call === 'unwrap' && application.plain === undefined && !transportDestroyed) yield 'unwrap failed, and the transport is still there';
}
