/** The table of docs/beside-openssl.md: what this run has measured goes into it, and what other versions of Node have measured stays. */
import { readFileSync } from 'node:fs';
import { SIDES, VERSIONS, type Side, type Version } from '../../support/pair.js';
import { fromRoot } from '../support/ends.js';
import { SECTIONS, type Behaviour, type Section } from './behaviours.js';
import { differs } from './differs.js';

export const PAGE = fromRoot('docs/beside-openssl.md');
/** Those that the table tells of. One in between has to do what the one before it does. */
const MAJORS = [20, 22, 24, 26];
const THIS = MAJORS.findLast((major) => major <= Number.parseInt(process.versions.node))!;
const HEAD = [
  '| when | what happens | where | `SSL_shutdown` | `SSL_read`, `SSL_shutdown` | `gracefulShutdown` | `bidirectional` | the peer saw of OpenSSL | the peer saw of us | why they differ |',
  '|---|---|---|---|---|---|---|---|---|---|',
];
const [BEGIN, END] = ['<!-- made by `npm run beside` -->', '<!-- end -->'];

/** SSL_shutdown, SSL_read and SSL_shutdown, one step a call, bidirectional, and what the peer saw of either. */
export type Cells = readonly [string, string, string, string, string, string];
type Place = `${Version} ${Side}`;
/** Of a behaviour: by version and side, and then by Node's major version. */
export type Measured = Map<Place, Map<number, Cells>>;

export function placesOf({ versions = VERSIONS, sides = SIDES }: Behaviour): { version: Version; side: Side; place: Place }[] {
  return versions.flatMap((version) => sides.map((side) => ({ version, side, place: `${version} ${side}` as const })));
}

const ALL_PLACES = placesOf({ what: '' }).map(({ place }) => place);

/** `all`, `1.3`, `client`, `1.3 client`, and several of them. */
function placesIn(words: string): Place[] {
  const found = words.split(', ').flatMap((word) => ALL_PLACES.filter((place) => word === 'all' || word.split(' ').every((part) => place.includes(part))));
  return ALL_PLACES.filter((place) => found.includes(place));
}

function wordsFor(places: readonly Place[]): string {
  const words = ['all', '1.2', '1.3', 'client', 'server', ...ALL_PLACES.map((place) => place.slice('TLSv'.length))];
  const left = new Set(places);
  const chosen = words.filter((word) => {
    const these = placesIn(word);
    if (!these.every((place) => left.has(place))) return false;
    for (const place of these) left.delete(place);
    return true;
  });
  return chosen.join(', ');
}

function merged(byMajor: ReadonlyMap<number, Cells>, column: number): string {
  const majorsOf = new Map<string, number[]>();
  for (const major of MAJORS) {
    const text = byMajor.get(major)![column]!;
    majorsOf.set(text, [...(majorsOf.get(text) ?? []), major]);
  }
  if (majorsOf.size === 1) return [...majorsOf.keys()][0]!;
  return [...majorsOf].map(([text, majors]) => `Node ${majors.join(', ')}: ${text}`).join('<br>');
}

function partFor(cell: string, major: number): string {
  for (const part of cell.split('<br>')) {
    const [, majors, text] = /^Node ([\d, ]+): (.*)$/.exec(part) ?? [undefined, String(major), part];
    if (majors!.split(', ').includes(String(major))) return text!;
  }
  throw new Error(`nothing of Node ${major} in ${cell}`);
}

/** Rows of the page, by `when` and `what`. */
function readRows(): Map<string, Measured> {
  const rows = new Map<string, Measured>();
  for (const line of tableOf(readFileSync(PAGE, 'utf8')).split('\n').slice(HEAD.length)) {
    const [when, what, where = '', ...cells] = line.slice(2, -2).split(' | ').map((cell) => cell.trim());
    const key = `${when} | ${what}`;
    const measured = rows.get(key) ?? new Map();
    for (const place of placesIn(where)) measured.set(place, new Map(MAJORS.map((major) => [major, cells.slice(0, 6).map((cell) => partFor(cell, major)) as unknown as Cells])));
    rows.set(key, measured);
  }
  return rows;
}

function tableOf(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < 0) throw new Error(`${PAGE} has no place for the table`);
  return page.slice(begin + BEGIN.length, end).trim();
}

/** The lines of a behaviour: places with the same cells share one. */
function linesOf(when: Section, behaviour: Behaviour, measured: Measured): string[] {
  const rows = new Map<string, Place[]>();
  for (const { version, place } of placesOf(behaviour)) {
    const byMajor = measured.get(place)!;
    const cells = [0, 1, 2, 3, 4, 5].map((column) => merged(byMajor, column));
    const reason = typeof behaviour.why === 'object' ? behaviour.why[version] : behaviour.why;
    const why = [...byMajor.values()].some(differs) ? (reason ?? '?') : '';
    const text = [...cells, why].join(' | ');
    rows.set(text, [...(rows.get(text) ?? []), place]);
  }
  return [...rows].map(([text, places]) => `| ${when} | ${behaviour.what} | ${wordsFor(places)} | ${text} |`);
}

/** The table of the page, and what it has to be by what this Node has measured. */
export class Table {
  readonly #rows = readRows();

  /** The lines of a behaviour in the page. */
  linesInPage(when: Section, { what }: Behaviour): string[] {
    return tableOf(readFileSync(PAGE, 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith(`| ${when} | ${what} |`));
  }

  /** The same lines, with what `cells` says for this Node. For versions that have not measured it yet, it is taken to be the same. */
  update(when: Section, behaviour: Behaviour, cells: ReadonlyMap<Place, Cells>): string[] {
    const key = `${when} | ${behaviour.what}`;
    const measured = this.#rows.get(key) ?? new Map();
    for (const [place, now] of cells) {
      const byMajor: Map<number, Cells> = measured.get(place) ?? new Map(MAJORS.map((major) => [major, now]));
      measured.set(place, byMajor.set(THIS, now));
    }
    this.#rows.set(key, measured);
    return linesOf(when, behaviour, measured);
  }

  /** The whole page, with a table that has each behaviour once. */
  page(): string {
    const page = readFileSync(PAGE, 'utf8');
    const lines = Object.entries(SECTIONS).flatMap(([when, behaviours]) => behaviours.flatMap((behaviour) => linesOf(when as Section, behaviour, this.#rows.get(`${when} | ${behaviour.what}`)!)));
    return page.slice(0, page.indexOf(BEGIN)) + [BEGIN, '', ...HEAD, ...lines, '', END].join('\n') + page.slice(page.indexOf(END) + END.length);
  }
}
