/** One behaviour of the peer, met by one caller. */
import type { Side, Version } from '../../support/pair.js';
import type { Behaviour } from './behaviours.js';
import { CALLERS, type Answer, type Caller, type CallerName } from './caller.js';
import { Original } from './original.js';
import { Ours } from './ours.js';
import type { Peer, PeerConnection } from './peer.js';
import type { Cells } from './table.js';

/** Of a call that will be answered, and of one that will not. */
const PATIENCE = 15_000;
const SHORT = 300;

/** In words, as they stand in the table. */
export interface Outcome {
  readonly answers: string;
  readonly saw: string;
}

function callerOf(name: CallerName, program: string): Caller {
  const [plain, reading, steps] = CALLERS;
  if (name === plain || name === reading) return new Original(program, name === reading);
  return new Ours(name === steps ? {} : { bidirectional: true, unread: 'discard' });
}

async function act(caller: Caller, peer: PeerConnection, script: readonly (string | readonly string[])[]): Promise<void> {
  for (const step of script) {
    if (typeof step === 'string' && step.startsWith('we ')) await caller.act(step.slice(3));
    else await peer.play([step]);
  }
}

/** The peer answers our alert. Between two calls it does so behind the first, or a reset could overtake that. */
async function closeAll(caller: Caller, peer: PeerConnection, name: CallerName, behaviour: Behaviour): Promise<Answer[]> {
  const { answer: script = [], later = [], waits = [], blocked, again, ours = [] } = behaviour;
  const answers: Answer[] = [];
  const atOnce = name === 'bidirectional' || ours.includes('quiet');
  if (atOnce) await peer.answer(script);
  const runsOut = waits === 'all' || waits.includes(name) ? Math.max(1, later.length) : 0;
  let phase = 0;
  for (;;) {
    const isShort = phase < runsOut && (blocked || name === 'bidirectional' || answers.some(({ value }) => value === 0));
    const answer = await caller.call(isShort ? SHORT : PATIENCE);
    answers.push(answer);
    if (answer.value === 0) {
      if (!atOnce) await peer.answer(script);
      continue;
    }
    const goesOn = again || answer.error?.startsWith('WANT_');
    if (!goesOn || phase >= later.length) return answers;
    await act(caller, peer, later[phase++]!);
  }
}

async function meet(behaviour: Behaviour, version: Version, side: Side, name: CallerName, peer: Peer, program: string): Promise<Outcome> {
  const { options = [], handshake = true, unheard, early = [], first = [], ours = [], resumes } = behaviour;
  const caller = callerOf(name, program);
  const connection = peer.connection();
  try {
    await caller.open(connection, { version, side, options }, handshake);
    if (handshake && !unheard) {
      const heard = caller.act('hear 2');
      await connection.play(['data 2']);
      await heard;
    }
    for (const step of early) await caller.act(step);
    const played = await connection.play(first);
    if (first.length > 0) await caller.arrived(played);
    for (const step of ours) await caller.act(step);
    const answers = await closeAll(caller, connection, name, behaviour);
    const saw = await connection.saw();
    await caller.close();
    await connection.end();
    const after = resumes ? ((await resumed(caller, connection, version, side)) ? '; resumed' : '; not resumed') : '';
    return { answers: answers.map(({ text }) => text).join(', ') + after, saw: ours.includes('fill') ? saw.replace(/^(?!16777216 )\d+ bytes/, 'a part') : saw };
  } finally {
    await caller.stop();
  }
}

async function resumed(caller: Caller, connection: PeerConnection, version: Version, side: Side): Promise<boolean> {
  const was = await caller.open(connection, { version, side, options: ['resume'] }, true);
  await caller.close();
  await connection.end();
  return was;
}

/** A row of the table. */
export async function cellsOf(behaviour: Behaviour, version: Version, side: Side, peer: Peer, program: string): Promise<Cells> {
  const outcomes = await Promise.all(CALLERS.map((name) => meet(behaviour, version, side, name, peer, program)));
  const [a, b, c, d] = outcomes.map(({ answers }) => answers) as [string, string, string, string];
  const saw = (...both: readonly (Outcome | undefined)[]): string => [...new Set(both.map((one) => one!.saw || 'nothing'))].join(' / ');
  return [a, b, c, d, saw(outcomes[0], outcomes[1]), saw(outcomes[2], outcomes[3])];
}
