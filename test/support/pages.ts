/** The documentation as text: its pages, their blocks of code, their tables and their links. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const file = (path: string): string => join(root, path);
export const text = (path: string): string => readFileSync(file(path), 'utf8');
export const exists = (path: string): boolean => existsSync(file(path));

/** What users read. All of it is in the package. */
export const PAGES = ['README.md', ...readdirSync(file('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

export interface Block {
  /** Of the page and the line. */
  readonly name: string;
  readonly page: string;
  readonly language: string;
  /** Behind the language: `no-run`, `excerpt`, or nothing. */
  readonly mode: string;
  readonly code: string;
  /** The page up to the block. */
  readonly before: string;
}

export function blocksOf(page: string): Block[] {
  const all = text(page);
  return [...all.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm)].map(({ index, 1: info = '', 2: code = '' }) => {
    const before = all.slice(0, index);
    const [language = '', mode = ''] = info.split(' ');
    return { name: `${page.replace(/^docs\/|\.md$/g, '')}-${before.split('\n').length}`, page, language, mode, code, before };
  });
}

/** The text without its blocks of code. */
export function prose(page: string): string {
  return text(page).replace(/^```[^]*?^```$/gm, '');
}

/** A page from one heading to the next of any level; without a heading, all of it. */
export function section(page: string, heading: string): string {
  const lines = text(page).split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  expect(start, `${page}: the heading ${heading}`).to.be.greaterThan(-1);
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line));
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}

/** The rows of the table that begins with that heading, each as its cells; Markdown's backticks and emphasis are taken off. */
export function tableOf(page: string, firstHeading: string): string[][] {
  const lines = text(page).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHeading} |`));
  expect(start, `${page}: a table that starts with ${firstHeading}`).to.be.greaterThan(-1);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  const cells = (line: string): string[] => line.slice(1, -1).split(/(?<!\\)\|/);
  return lines.slice(start + 2, end).map((line) => cells(line).map((cell) => cell.replace(/[`*]/g, '').replaceAll('\\|', '|').trim()));
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
}

export function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading));
}

/** Path and heading of each link. */
export function linksOf(page: string): { path: string; heading: string | undefined }[] {
  return [...prose(page).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = '', heading]) => ({ path, heading }));
}
