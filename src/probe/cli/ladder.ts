/** Draws what happened on one connection as a ladder between us and the server. 80 columns. */
import type { Event } from '../story.js';

export const COLUMNS = 80;
const TIME = 10;
const INNER = COLUMNS - TIME - 3;
/** The label of a rung, with a bit of line on both sides. */
const LABEL = INNER - 6;

/** Lines without colour, none longer than 80 columns. */
export function ladder(events: readonly Event[], nothingAt?: number): string[] {
  const head = `${'ms'.padStart(TIME)} we${'it'.padStart(INNER)}`;
  const rungs = events.map((event) => `${time(event.at)} ${rung(event)}`);
  if (nothingAt !== undefined) rungs.push(`${time(nothingAt)} │${'nothing more'.padStart((INNER + 12) / 2).padEnd(INNER)}│`);
  return [head, ...rungs];
}

function time(milliseconds: number): string {
  return milliseconds.toFixed(1).padStart(TIME);
}

function rung({ from, what, bytes }: Event): string {
  const text = bytes === undefined ? what : `${what}, ${inBytes(bytes)}`;
  const label = text.length > LABEL ? `${text.slice(0, LABEL - 3)}...` : text;
  if (from === 'us') return `├─ ${label} `.padEnd(INNER, '─') + '▶│';
  if (from === 'it') return `│◀${` ${label} ─┤`.padStart(INNER, '─')}`;
  return `│◀═ ${label} `.padEnd(INNER, '═') + '▶│';
}

export function inBytes(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes.toLocaleString('en')} bytes`;
}

/** Words in lines of at most 80 columns. */
export function wrapped(text: string, indent = '  '): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = indent;
    }
    for (let rest = line.length > indent.length ? ` ${word}` : word; rest !== ''; ) {
      const room = COLUMNS - line.length;
      line += rest.slice(0, room);
      rest = rest.slice(room);
      if (rest === '') break;
      lines.push(line);
      line = indent;
    }
  }
  return [...lines, line];
}
