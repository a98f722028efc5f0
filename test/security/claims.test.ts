/** SECURITY.md and the tests that show what it says. */
import { expect } from 'chai';
import { exists, text } from '../support/pages.js';
import { CLAIMS, type Claim } from './claims.js';
import { sentences } from './sentences.js';

const page = text('SECURITY.md');
const said = sentences(page);

/** How each test and group of tests of this file is called, as it is written there. */
function titlesIn(file: string): string[] {
  const source = text(`test/${file}.test.ts`);
  return [...source.matchAll(/^.*(?<![\w.])(?:it|describe)\((.*)$/gm)].map(([, title = '']) => title);
}

/** What is wrong with this claim, if anything is. */
function complaint(sentence: string, claim: Claim | undefined): string | undefined {
  if (claim === undefined) return `no test is named for: ${sentence}`;
  if (typeof claim === 'string') return undefined;
  if (claim.length === 0) return `no test is named for: ${sentence}`;
  for (const [file, title] of claim) {
    if (!exists(`test/${file}.test.ts`)) return `there is no test/${file}.test.ts, for: ${sentence}`;
    if (!titlesIn(file).some((one) => one.includes(title))) return `there is no test "${title}" in ${file}, for: ${sentence}`;
  }
  return undefined;
}

describe('SECURITY.md', () => {
  it('has a test for each sentence that claims something, and the test is there', () => {
    expect(said.length).to.be.greaterThan(70);
    expect(said.map((sentence) => complaint(sentence, CLAIMS[sentence])).filter((wrong) => wrong !== undefined)).to.deep.equal([]);
  });

  it('says each sentence for which a test is named', () => {
    expect(Object.keys(CLAIMS).filter((sentence) => !said.includes(sentence))).to.deep.equal([]);
  });

  it('names files of tests that are there, one at least for each assertion and each attack', () => {
    const names = [...page.matchAll(/[(, ]`((?:closure|node|connection|shutdown|wrap|drain|probe|interop|security)\/[\w-]+)`/g)].map(([, name = '']) => name);
    expect(names.length).to.be.greaterThan(40);
    for (const name of names) expect(exists(`test/${name}.test.ts`), name).to.equal(true);
    const [, asserts = ''] = /## What this package asserts\n([^]*?)\n## /.exec(page) ?? [];
    for (const one of asserts.split('\n- ').slice(1)) expect(one).to.match(/\(`.*`\)/);
    const [, attacks = ''] = /\| what the attacker does [^\n]*\n\|[-|]+\n([^]*?)\n\n/.exec(page) ?? [];
    for (const row of attacks.split('\n')) expect(row.split(' | ').at(-1)).to.match(/`/);
  });

  it('has no test that is skipped among them', () => {
    const files = Object.values(CLAIMS).flatMap((claim) => (typeof claim === 'string' ? [] : claim.map(([file]) => file)));
    for (const file of new Set(files)) expect(text(`test/${file}.test.ts`), file).not.to.match(/\b(?:it|describe)\.(?:skip|only)\(|\bxit\(|\bthis\.skip\(/);
  });
});
