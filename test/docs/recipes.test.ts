/** Recipes are short, and each example with packages of its own is on a page. That a block has only lines of its program, code.test.ts says. */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { PAGES, blocksOf, exists, file, prose } from '../support/pages.js';

describe('docs/recipes.md', () => {
  it('shows at most 25 lines of each program', () => {
    for (const { name, code } of blocksOf('docs/recipes.md')) expect(code.split('\n').filter((line) => line.trim() !== '').length, name).to.be.at.most(25);
  });

  it('or another page, has each example with packages of its own', () => {
    const withPackages = readdirSync(file('examples')).filter((name) => exists(`examples/${name}/package.json`));
    expect(withPackages.length).to.be.greaterThan(5);
    const all = PAGES.map(prose).join('\n');
    for (const name of withPackages) for (const program of readdirSync(file(`examples/${name}`)).filter((each) => each.endsWith('.ts'))) expect(all).to.include(`\`examples/${name}/${program}\``);
  });
});
