/** The table of docs/others-tests.md. Its rows are what the tests assert. */
import { readFileSync } from 'node:fs';
import { file } from '../support/pages.js';
import { oursAt, placesOf, type Place, type Row } from './row.js';
import { PROJECTS } from './projects.js';

export const PAGE = file('docs/others-tests.md');
const HEAD = ['| whose | test | what it checks | where | theirs returns | ours returns | why they differ |', '|---|---|---|---|---|---|---|'];
const [BEGIN, END] = ['<!-- made by `npm run others` -->', '<!-- end -->'];

/** `all`, `1.2`, `client`, `1.2 client`. */
function wordsFor(places: readonly Place[]): string {
  const versions = [...new Set(places.map(({ version }) => version.slice('TLSv'.length)))];
  const sides = [...new Set(places.map(({ side }) => side))];
  if (places.length !== versions.length * sides.length) throw new Error('there is no word for these places');
  const words = [...(versions.length === 1 ? versions : []), ...(sides.length === 1 ? sides : [])];
  return words.length === 0 ? 'all' : words.join(' ');
}

/** Places where ours returns the same share a line. */
function linesOf(name: string, row: Row): string[] {
  const byText = new Map<string, Place[]>();
  for (const place of placesOf(row)) {
    const text = oursAt(row, place);
    byText.set(text, [...(byText.get(text) ?? []), place]);
  }
  return [...byText].map(([text, places]) => `| ${[name, row.test, row.checks, wordsFor(places), row.theirs, text, row.why ?? ''].join(' | ')} |`);
}

/** The page as it has to be. */
export function page(): string {
  const present = readFileSync(PAGE, 'utf8');
  const [begin, end] = [present.indexOf(BEGIN), present.indexOf(END)];
  if (begin < 0 || end < 0) throw new Error(`${PAGE} has no place for the table`);
  const lines = PROJECTS.flatMap(({ name, rows }) => rows.flatMap((row) => linesOf(name, row)));
  return present.slice(0, begin) + [BEGIN, '', ...HEAD, ...lines, '', END].join('\n') + present.slice(end + END.length);
}
