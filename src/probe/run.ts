/** All questions of a probe: which are asked side by side, which again, and what they come to. */
import { shutdown } from '../index.js';
import { abortError } from './aborted.js';
import { ask, unasked, type Asked } from './ask.js';
import { dial, DialError, type Dialled } from './dial.js';
import { Story } from './story.js';
import type { Target, Version } from './target.js';
import type { Question } from './types.js';

/** Milliseconds for the end of a connection that was made for its handshake alone. */
const LEAVING = 1000;

/** Milliseconds before a question is asked again that got no connection, the first time and the second. */
const PAUSES = [50, 500];

/** Who looks on while it runs. */
export interface Observer {
  /** What is being asked. */
  readonly open: Set<string>;
  onChange?(): void;
}

interface Pair {
  readonly question: Question;
  readonly version: Version;
}

/** In the order of the questions, and then of the versions. */
export async function run(target: Target, observer: Observer): Promise<Asked[]> {
  const { signal, open } = target;
  const left: Promise<void>[] = [];
  const stop = (): void => {
    for (const connection of open) connection.destroy();
  };
  signal?.addEventListener('abort', stop);
  try {
    return await askAll(target, observer, left);
  } finally {
    await Promise.all(left);
    signal?.removeEventListener('abort', stop);
  }
}

async function askAll(target: Target, observer: Observer, left: Promise<void>[]): Promise<Asked[]> {
  const versions = await spoken(target, observer, left);
  const taken = versions.filter(({ failure }) => failure === undefined);
  const pairs = target.questions.flatMap((question) => taken.map(({ version }) => ({ question, version })));
  // An idle connection may be the only one that a server takes: the others don't wait for it.
  const asked = await batch(target, pairs.filter(({ question }) => question !== 'idle'), observer);
  asked.push(...(await batch(target, pairs.filter(({ question }) => question === 'idle'), observer)));
  for (const { version, failure } of versions) {
    if (failure !== undefined) asked.push(...target.questions.map((question) => ({ answer: unasked(question, version, failure), story: new Story(), failure })));
  }
  return asked.sort((a, b) => order(target, a) - order(target, b));
}

function order({ questions, versions }: Target, { answer: { question, version } }: Asked): number {
  return questions.indexOf(question) * versions.length + versions.indexOf(version as Version);
}

interface Spoken {
  readonly version: Version;
  readonly failure: DialError | undefined;
}

/** A handshake for each version. One that the server refuses is left out if it takes another. */
async function spoken(target: Target, observer: Observer, left: Promise<void>[]): Promise<Spoken[]> {
  const found: Spoken[] = [];
  let before: DialError | undefined;
  for (const version of target.versions) {
    const isHopeless = before?.stage === 'connect' || before?.stage === 'starttls'; // the version was not asked for yet
    before = isHopeless ? before : await watched(target, observer, `handshake ${version}`, () => reach(target, version, left));
    found.push({ version, failure: before });
  }
  const taken = found.some(({ failure }) => failure === undefined);
  return found.filter(({ failure }) => !(taken && failure?.stage === 'refused'));
}

async function reach(target: Target, version: Version, left: Promise<void>[]): Promise<DialError | undefined> {
  try {
    left.push(leave(await dial(target, version, new Story())));
    return undefined;
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
}

/** Nobody waits for that: the questions may be asked meanwhile. */
async function leave({ socket, tap }: Dialled): Promise<void> {
  tap.holdsFin = false;
  socket.on('error', () => {});
  await shutdown(socket, { bidirectional: true, unread: 'discard', timeout: LEAVING });
  socket.destroy();
  tap.destroy();
}

/** Side by side. A server may take one connection at a time, or few: what got none is asked again, by itself. */
async function batch(target: Target, pairs: readonly Pair[], observer: Observer): Promise<Asked[]> {
  const one = ({ question, version }: Pair): Promise<Asked> => watched(target, observer, `${question} ${version}`, () => ask(target, question, version));
  const asked = await Promise.all(pairs.map(one));
  if (pairs.length < 2) return asked;
  for (const [index, pair] of pairs.entries()) {
    for (const pause of PAUSES) {
      if (asked[index]!.failure === undefined) break;
      await new Promise((resolve) => setTimeout(resolve, pause)); // it has to notice that the last one is gone
      asked[index] = await one(pair);
    }
  }
  return asked;
}

async function watched<T>({ signal }: Target, observer: Observer, name: string, work: () => Promise<T>): Promise<T> {
  observer.open.add(name);
  observer.onChange?.();
  try {
    return await work();
  } finally {
    observer.open.delete(name);
    observer.onChange?.();
    if (signal?.aborted) throw abortError(signal.reason);
  }
}
