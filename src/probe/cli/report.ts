/** The report for a terminal: a ladder and words for each question, then all at a glance. */
import type { Asked } from '../ask.js';
import { escaped } from '../escape.js';
import { hostAndPort, type Target } from '../target.js';
import type { End, ProbeAnswer, ProbeReport, Question } from '../types.js';
import type { Colour, Paint } from './colour.js';
import { ladder, wrapped } from './ladder.js';
import { EXIT_STATUS } from './status.js';
import { hintFor, VERDICTS, wordsFor } from './words.js';

const NAME = 13;
const CELL = 16;

export function reportText(target: Target, asked: readonly Asked[], { verdict, answers }: ProbeReport, paint: Paint): string {
  const lines = [heading(target, paint), ''];
  const [first] = asked;
  if (first !== undefined && asked.every(({ failure, answer }) => failure !== undefined && answer.detail === first.answer.detail)) {
    lines.push(...wrapped(`Nothing could be asked: ${first.answer.detail}.`), ...wrapped(hintFor(first.failure!, target)), '');
  } else {
    for (const question of target.questions) lines.push(...questionLines(asked.filter(({ answer }) => answer.question === question), paint));
    lines.push(...glance(answers, paint), '');
  }
  const colour: Colour = verdict === 'clean' ? 'green' : verdict === 'unclean' ? 'red' : 'yellow';
  const words = wrapped(`${verdict}: ${VERDICTS[verdict]} Exit status ${EXIT_STATUS[verdict]}.`, '');
  lines.push(...words.map((line, index) => (index === 0 ? line.replace(verdict, paint(colour, verdict)) : line)));
  return `${lines.join('\n')}\n`;
}

function heading({ host, port, address, rejectUnauthorized }: Target, paint: Paint): string {
  const where = escaped(hostAndPort(host, port), 40);
  const at = address === undefined || address === host ? '' : ` (${address})`;
  return paint('bold', `How does ${where}${at} close TLS?`.slice(0, 80)) + (rejectUnauthorized ? '' : '\nIts certificate is not checked.');
}

/** Versions that end alike share a ladder, that of the newest. */
function questionLines(asked: readonly Asked[], paint: Paint): string[] {
  const alike = asked.every(({ answer }) => answer.end === asked[0]!.answer.end && answer.detail === asked[0]!.answer.detail);
  const groups = alike ? [asked] : asked.map((each) => [each]);
  return groups.flatMap((group) => (group.length === 0 ? [] : answerLines(group, paint)));
}

function answerLines(group: readonly Asked[], paint: Paint): string[] {
  const shown = group.at(-1)!;
  const { question, end, elapsed, detail } = shown.answer;
  const versions = group.map(({ answer }) => answer.version).join(' and ');
  const title = `${paint('bold', question)} ${versions}: ${paint(colourOf(question, end), end)}`;
  const at = end === 'error' ? '' : `, ${inTime(elapsed)}`;
  const rungs = shown.story.events.length === 0 ? [] : ladder(shown.story.events, end === 'silence' ? shown.story.end : undefined).map((line) => paint('dim', line));
  const words = [...wordsFor(shown), ...(detail === undefined || end === 'error' ? [] : [`(${detail})`])].join(' ');
  return [title + at, ...rungs, ...wrapped(words), ''];
}

function inTime(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function colourOf(question: Question, end: End): Colour {
  if (end === 'close_notify') return 'green';
  const counts = question !== 'we-close' && question !== 'quiet';
  return counts && (end === 'fin' || end === 'reset' || end === 'alert') ? 'red' : 'yellow';
}

function glance(answers: readonly ProbeAnswer[], paint: Paint): string[] {
  const versions = [...new Set(answers.map(({ version }) => version))];
  const questions = [...new Set(answers.map(({ question }) => question))];
  const row = (question: Question): string => {
    const cells = versions.map((version) => {
      const end = answers.find((answer) => answer.question === question && answer.version === version)?.end;
      return end === undefined ? ' '.repeat(CELL) : paint(colourOf(question, end), end) + ' '.repeat(CELL - end.length);
    });
    return question.padEnd(NAME) + cells.join('').trimEnd();
  };
  return [' '.repeat(NAME) + versions.map((version) => version.padEnd(CELL)).join('').trimEnd(), ...questions.map(row)];
}
