/** How does that server close TLS? */
import { abortError } from './aborted.js';
import type { Asked } from './ask.js';
import { probeTarget } from './options.js';
import { run } from './run.js';
import type { Target } from './target.js';
import type { ProbeAnswer, ProbeOptions, ProbeReport, Question } from './types.js';

/** Questions whose end counts if it is unclean. */
const COUNTING: readonly Question[] = ['it-closes', 'half-close', 'idle'];

function isUnclean({ question, end }: ProbeAnswer): boolean {
  return COUNTING.includes(question) && (end === 'fin' || end === 'reset' || end === 'alert');
}

/** How it answers a quiet end never counts, if it was asked at all. */
function isUntold({ question, end }: ProbeAnswer): boolean {
  return end === 'error' || (question !== 'quiet' && (end === 'silence' || end === 'unverified'));
}

/** @internal */
export function verdictOf(answers: readonly ProbeAnswer[]): ProbeReport['verdict'] {
  if (answers.some(isUnclean)) return 'unclean';
  return answers.some(isUntold) ? 'unknown' : 'clean';
}

/** @internal */
export function reportOf({ host, port }: Target, asked: readonly Asked[]): ProbeReport {
  const answers = asked.map(({ answer }) => answer);
  return { host, port, answers, verdict: verdictOf(answers) };
}

/**
 * Asks a server how it closes TLS: each question on a connection of its own, for TLS 1.2 and 1.3. It is what `npx tls-graceful-shutdown probe` prints.
 * A server that can't be reached is no rejection: the answers are `'error'` then, and the verdict `'unknown'`.
 *
 * @throws (rejects) TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE` for a caller's mistake;
 * `AbortError` (`ABORT_ERR`, `cause` is the reason) when `signal` is aborted
 * @example
 * const { verdict, answers } = await probe({ host: 'example.com' });
 * if (verdict !== 'clean') console.log(answers);
 */
export async function probe(options: ProbeOptions): Promise<ProbeReport> {
  const target = probeTarget(options);
  if (target.signal?.aborted) throw abortError(target.signal.reason);
  return reportOf(target, await run(target, { open: new Set() }));
}
