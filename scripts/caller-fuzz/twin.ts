/**
 * The same sequence on a socket of plain Node that nobody watches. What a sequence may lose, hear and throw is what it loses, hears and throws there, in one of
 * several tries that are some turns faster or slower.
 */
import { THROWN } from './caller.js';
import { discards, reading } from './laws.js';
import { isWrap, type Plan } from './plan.js';
import { play, type Played, type Story } from './play.js';

/** Turns that the caller of plain Node is later than planned. */
const SLACKS = [0, 1, -2, 3, -4, 6, 2, -1, 10, 20, 40];

interface Doubt {
  readonly about: string;
  isDoneBy(plain: Played): boolean;
}

/** `quiet` and `unwrap` are nothing that plain Node has. */
function isComparable({ plan, caller }: Played): boolean {
  return !isWrap(plan) && !caller.calls.some((called) => called.plan.quiet || called.plan.how === 'unwrap');
}

function lostReading(played: Played): boolean {
  return !reading(played).isWhole;
}

function lostWriting({ proxy, caller }: Played): boolean {
  return proxy.lanes.toPeer.log.plaintext().length < caller.written;
}

/** What is thrown in `'close'`, which Node emits within `_destroy` over some transports, Node tells by `'error'`. */
function unheard({ caller: { thrown, metHere, uncaught, heard } }: Played): number {
  return thrown - metHere - uncaught - heard.errors.filter((error) => error.startsWith(THROWN)).length;
}

/** What was lost, and why it might be; `undefined`: only plain Node can excuse it. */
function* losses(played: Played): Generator<{ readonly about: string; readonly excuse: string | undefined; isDoneBy(plain: Played): boolean }> {
  const { caller, statedAt } = played;
  const excuse = caller.destroyedAt < statedAt ? 'the caller had destroyed the socket' : caller.heard.errors.length > 0 ? 'an error had ended it' : undefined;
  if (lostReading(played)) yield { about: 'what came was not all read', excuse: excuse ?? (discards(played) ? 'the caller had it discarded' : undefined), isDoneBy: lostReading };
  if (lostWriting(played)) yield { about: 'what was written did not all leave', excuse, isDoneBy: lostWriting };
}

/** What only plain Node can excuse. */
function doubts(played: Played): Doubt[] {
  const { caller } = played;
  const list: Doubt[] = [...losses(played)].filter(({ excuse }) => excuse === undefined);
  if (unheard(played) !== 0) list.push({ about: `${unheard(played)} errors thrown were not heard of`, isDoneBy: (plain) => unheard(plain) === unheard(played) });
  const isNodes = caller.writesFailed > 0 && caller.thrown > 0; // a throw in the callback of a write that a destroy fails keeps Node from closing
  if (caller.heard.close !== 1 && !isNodes) list.push({ about: "no 'close' at last", isDoneBy: (plain) => plain.caller.heard.close !== 1 });
  if (!isComparable(played)) return list;
  list.push({ about: `heard ${JSON.stringify(played.story)}`, isDoneBy: (plain) => hearsTheSame(played, plain) });
  const called = ({ caller: { replaced } }: Played): string[] => replaced.filter(({ calls }) => calls > 0).map(({ name }) => name);
  list.push({ about: `only ${called(played).join(', ')} called`, isDoneBy: (plain) => called(plain).every((name) => called(played).includes(name)) });
  return list;
}

/** What in the story of plain Node depends on the turn in which something happens, and may be other than there. */
function* dependsOnTurns({ plan, story, caller, statedAt }: Played): Generator<keyof Story> {
  if (plan.kind.endsWith('Duplex')) yield 'end'; // Node destroys the socket when both sides of a Duplex have ended
  if (caller.destroyedAt < statedAt) yield* ['end', 'finish', 'writesDone', 'writesFailed'];
  if (caller.hasAskedAtEnd) yield 'writesDone'; // our side ends a tick earlier
  if (caller.keepsNodeFromClosing) yield* ['finish', 'close'];
  if (story.errors.startsWith(THROWN)) yield 'errors';
}

const isOfCaller = (errors: string): boolean => ['', 'ABORT_ERR', 'of the caller'].includes(errors);

function hearsTheSame(played: Played, plain: Played): boolean {
  if (lostReading(plain) && !lostReading(played)) return true; // what comes behind that, plain Node has lost
  const { story, caller, statedAt } = played;
  const ignored = [...dependsOnTurns(played)];
  const isEarlier = caller.destroyedAt < statedAt && isOfCaller(story.errors) && isOfCaller(plain.story.errors);
  return (Object.keys(story) as (keyof Story)[]).every((name) => story[name] === plain.story[name] || ignored.includes(name) || (name === 'errors' && isEarlier));
}

export interface Compared {
  readonly wrong: readonly string[];
  /** What was lost, and why it might be. */
  readonly excused: readonly string[];
}

export async function compare(played: Played): Promise<Compared> {
  let left = doubts(played);
  const excused = [...losses(played)].filter(({ excuse }) => excuse !== undefined).map(({ about, excuse }) => `${about}: ${excuse}`);
  const stories = new Set<string>();
  for (const slack of SLACKS) {
    if (left.length === 0) break;
    const plain = await play(plainOf(played.plan), true, slack);
    stories.add(JSON.stringify(plain.story));
    excused.push(...left.filter((doubt) => doubt.isDoneBy(plain) && doubt.about.startsWith('what ')).map(({ about }) => `${about}: nor was it by plain Node`));
    left = left.filter((doubt) => !doubt.isDoneBy(plain));
  }
  return { wrong: left.map(({ about }) => (about.startsWith('heard') ? `${about} and plain Node ${[...stories].join(' or ')}` : about)), excused };
}

/** Plain Node has no `wrap`: the like of it is TCP, which keeps what is unread, too. */
function plainOf(plan: Plan): Plan {
  return { ...plan, watched: 'late', kind: isWrap(plan) ? 'TCP' : plan.kind };
}
