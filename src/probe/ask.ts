/** One question, on a connection of its own. */
import { dial, DialError } from './dial.js';
import { Line } from './line.js';
import { halfClose } from './questions/half-close.js';
import { idle } from './questions/idle.js';
import { itCloses } from './questions/it-closes.js';
import type { Ask } from './questions/question.js';
import { quiet } from './questions/quiet.js';
import { weClose } from './questions/we-close.js';
import { chooseRequest } from './requests/choose.js';
import type { Request } from './requests/request.js';
import { Story } from './story.js';
import type { Target, Version } from './target.js';
import type { ProbeAnswer, Question } from './types.js';

export const ASKS: Readonly<Record<Question, Ask>> = { 'we-close': weClose, 'half-close': halfClose, 'it-closes': itCloses, quiet, idle };

export interface Asked {
  readonly answer: ProbeAnswer;
  readonly story: Story;
  /** What made it answer. */
  readonly request?: Request | undefined;
  /** Why there was no connection. */
  readonly failure?: DialError;
}

export async function ask(target: Target, question: Question, version: Version): Promise<Asked> {
  const { timeout } = target;
  const story = new Story();
  let line: Line | undefined;
  try {
    line = new Line(await dial(target, version, story), story, timeout);
    const { alpnProtocol } = line.socket;
    const ending = await ASKS[question](line, { request: (wish) => chooseRequest(target, alpnProtocol, wish), idle: target.idle });
    story.end = story.now;
    const { end, elapsed, detail } = ending;
    const answer = { question, version, end, elapsed: rounded(elapsed), bytes: line.bytes, ...(detail !== undefined && { detail }) };
    return { answer, story, request: line.request };
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    return { answer: unasked(question, version, error), story, failure: error };
  } finally {
    line?.destroy();
  }
}

/** A question for which there was no connection. */
export function unasked(question: Question, version: Version, { message }: DialError): ProbeAnswer {
  return { question, version, end: 'error', elapsed: 0, bytes: 0, detail: message };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
