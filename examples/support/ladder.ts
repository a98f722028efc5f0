/** Draws what a relay saw, and what each side said of it, as a ladder between client and server. 80 columns. */
import type { Side, Sight } from './relay.js';

const WIDTH = 68;
const HALF = WIDTH / 2;

export interface Note {
  readonly at: Side;
  readonly says: string;
}

/** The rungs in the order of what happened; the handshake is one rung, however many records it took. */
export function ladder(entries: readonly (Sight | Note)[]): string {
  const handshake = entries.filter((entry) => 'what' in entry && entry.what.startsWith('handshake')).length;
  const rest = entries.filter((entry) => !('what' in entry) || !entry.what.startsWith('handshake'));
  const head = `client${'relay'.padStart(HALF)}${'server'.padStart(WIDTH - HALF - 4)}`;
  return [head, between(` handshake, ${handshake} records, both ways`), ...rest.map(rung)].map((line) => `  ${line}\n`).join('');
}

function between(text: string): string {
  return `│${text.padEnd(WIDTH)}│`;
}

function rung(entry: Sight | Note): string {
  if (!('what' in entry)) return entry.at === 'client' ? `● ${entry.says}`.padEnd(WIDTH + 1) + '│' : `│${`${entry.says} ●`.padStart(WIDTH + 1)}`;
  const { from, what, fate } = entry;
  const label = ` ${what} `;
  if (fate === 'forged') return `│◀${label.padEnd(HALF - 3, '─')}✂`.padEnd(WIDTH + 1) + '│';
  const reach = fate === 'dropped' ? HALF : WIDTH;
  if (from === 'client') return (`├─${label}`.padEnd(reach, '─') + (fate === 'dropped' ? '✂' : '▶')).padEnd(WIDTH + 1) + '│';
  return '│' + ((fate === 'dropped' ? '✂' : '◀') + `${label}─┤`.padStart(reach, '─')).padStart(WIDTH + 1);
}
