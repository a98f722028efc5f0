/**
 * The code in README.md and docs/ is real. A block of TypeScript or JavaScript compiles with our strict options. It runs and prints what its comments
 * `// prints:` say, unless it is marked `no-run`. One with tests of `node:test` runs, and they pass: it has no types. One that is marked `excerpt`, and all of recipes.md, has only lines of the program that is named before
 * it. A `diff` compiles as it is after the change. A block for the shell has only commands that are there.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Hosts, PRELOAD } from '../support/docs-hosts.js';
import { PAGES, blocksOf, exists, file, text, type Block } from '../support/pages.js';

const run = promisify(execFile);
const blocks = PAGES.flatMap(blocksOf);
const of = (...languages: string[]): Block[] => blocks.filter(({ language }) => languages.includes(language));

const isExcerpt = ({ page, language, mode }: Block): boolean => mode === 'excerpt' || (page === 'docs/recipes.md' && language === 'ts');
const programs = of('ts', 'js', 'diff').filter((block) => !isExcerpt(block));

const isTest = ({ code }: Block): boolean => code.includes("from 'node:test'");
const programText = (block: Block): string => (isTest(block) ? `// @ts-nocheck\n${block.code}` : block.language === 'diff' ? changed(block.code) : block.code);

/** A change as it is after it. */
const changed = (code: string): string => code.replace(/^-.*\n/gm, '').replace(/^[+ ]/gm, '');
const lines = (code: string): string[] => code.split('\n').filter((line) => line.trim() !== '');

function fileOf({ name, language, code }: Block): string {
  return `${name}.${language === 'js' ? (code.includes('require(') ? 'cjs' : 'mjs') : 'ts'}`;
}

describe('code in the documentation', () => {
  let folder: string;

  before(async () => {
    folder = mkdtempSync(file('build/docs-')); // inside the package, so that it can import itself
    mkdirSync(join(folder, 'src'));
    for (const block of programs) writeFileSync(join(folder, 'src', fileOf(block)), programText(block));
    const compilerOptions = { rootDir: 'src', outDir: 'out', types: ['node'], allowJs: true, checkJs: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: file('tsconfig.json'), compilerOptions, include: ['src'] }));
    for (const kind of ['key', 'cert']) copyFileSync(file(`fixtures/localhost.${kind}.pem`), join(folder, `server.${kind}`));
    writeFileSync(join(folder, 'preload.mjs'), PRELOAD);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has a language that is known, and no mark that means nothing', () => {
    for (const { name, language, mode } of blocks) {
      expect(['ts', 'js', 'diff', 'sh', 'text', 'json', 'yaml'], name).to.include(language);
      expect(['', 'no-run', 'excerpt'], name).to.include(mode);
    }
  });

  it('compiles with the strict options', async function () {
    this.timeout(60_000);
    expect(programs).to.have.length.greaterThan(8);
    const failure = await run(process.execPath, [file('node_modules/typescript/bin/tsc'), '-p', folder]).catch((error: { stdout: string }) => error.stdout);
    expect(failure).not.to.be.a('string', String(failure));
  });

  for (const block of programs.filter(isTest)) {
    it(`has tests that pass: ${block.name}`, async () => {
      const { stdout } = await run(process.execPath, ['--test-reporter=tap', join('out', fileOf(block).replace('ts', 'js'))], { cwd: folder });
      const tests = [...block.code.matchAll(/^test\(/gm)].length;
      expect(stdout).to.include(`\n# pass ${tests}\n# fail 0\n`);
    });
  }

  for (const block of programs.filter((one) => !isTest(one) && one.language !== 'diff' && one.mode !== 'no-run')) {
    const printed = [...block.code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, line]) => line);

    it(`prints what it says: ${block.name}`, async function () {
      this.timeout(20_000);
      expect(printed, 'a block that runs says what it prints').not.to.deep.equal([]);
      const hosts = new Hosts();
      try {
        const env = { ...process.env, ...(await hosts.start()) };
        const program = [join('out', fileOf(block).replace('ts', 'js'))];
        const { stdout } = await run(process.execPath, ['--import', './preload.mjs', ...program], { cwd: folder, env, timeout: 15_000 });
        expect(stdout.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '')).to.deep.equal(printed);
      } finally {
        await hosts.stop();
      }
    });
  }

  for (const { name, code, before: above } of blocks.filter(isExcerpt)) {
    it(`has only lines of the example that is named before it: ${name}`, () => {
      const [, example = ''] = [...above.matchAll(/`(examples\/[\w/.-]+\.\w+)`/g)].at(-1) ?? [];
      let program = lines(text(example));
      for (const line of lines(code)) {
        expect(program, `${example}, in this order`).to.include(line);
        program = program.slice(program.indexOf(line) + 1);
      }
    });
  }

  for (const { name, code } of of('sh')) {
    it(`has only commands that are there: ${name}`, () => {
      for (const [, command = ''] of code.matchAll(/npm ([\w:-]+)/g)) expect(['ci', 'install', 'init', 'run', 'test']).to.include(command); // npm run's: links.test.ts
      for (const [, path = ''] of code.matchAll(/node (?:build\/)?((?:scripts|examples|bench)\/[\w/.-]+)/g)) expect(exists(path) || exists(path.replace(/js$/, 'ts')), path).to.equal(true);
    });
  }

  for (const { name, code } of of('json')) it(`is JSON: ${name}`, () => expect(() => JSON.parse(code) as unknown).not.to.throw());
});
