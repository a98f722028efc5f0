/** docs/recipes.md shows what is run: each block has only lines of the program that is named before it, in their order. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
const page = readFileSync(file('docs/recipes.md'), 'utf8');

/** Each block of code, with the last example that is linked before it. */
const blocks = [...page.matchAll(/```ts\n([^]*?)```/g)].map(({ index, 1: code = '' }) => {
  const example = [...page.slice(0, index).matchAll(/\]\(\.\.\/(examples\/[^)]+\.ts)\)/g)].at(-1)?.[1] ?? '';
  return { example, code: lines(code) };
});

describe('docs/recipes.md', () => {
  for (const { example, code } of blocks) {
    it(`shows lines of ${example}, at most 25`, () => {
      expect(code.length).to.be.at.most(25);
      let program = lines(readFileSync(file(example), 'utf8'));
      for (const line of code) {
        expect(program, 'in this order').to.include(line);
        program = program.slice(program.indexOf(line) + 1);
      }
    });
  }

  it('has a recipe for each example with packages of its own', () => {
    const withPackages = readdirSync(file('examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory() && readdirSync(file(`examples/${entry.name}`)).includes('package.json'));
    expect(withPackages.length).to.be.greaterThan(5);
    for (const { name } of withPackages) {
      for (const program of readdirSync(file(`examples/${name}`)).filter((each) => each.endsWith('.ts'))) expect(page).to.include(`](../examples/${name}/${program})`);
    }
  });
});
