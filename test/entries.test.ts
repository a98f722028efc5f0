/** The package can be imported and required, by several entries, and it is one: the same classes, the same state. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const require = createRequire(import.meta.url);
const output = fileURLToPath(new URL('..', import.meta.url)); // the compiler's: build/
const root = join(output, '..');
const script = (name: string) => new URL(`../../scripts/${name}`, import.meta.url).href;

interface Entry {
  readonly name: string;
  readonly source: string;
  readonly program?: boolean;
  readonly over?: string;
}

type Names = Record<string, unknown>;

const { ENTRIES } = (await import(script('entries.mjs'))) as { ENTRIES: readonly Entry[] };
const { bundle } = (await import(script('bundling.mjs'))) as { bundle(entries: readonly Entry[], sources: string, outdir: string): Promise<void> };
const { writeDeclarations } = (await import(script('declarations.mjs'))) as { writeDeclarations(entries: readonly Entry[], folder: string): void };

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
    bin?: Record<string, string>;
    typesVersions?: Record<string, Record<string, string[]>>;
  };

  it('has a way in for each entry, for import and for require', () => {
    const ways = Object.fromEntries(
      ENTRIES.filter(({ program }) => !program).map(({ name }) => [name === 'index' ? '.' : `./${name}`, { import: `./dist/${name}.js`, default: `./dist/${name}.cjs` }]),
    );
    // The types of TypeScript's oldest way to find a module.
    const typed = ENTRIES.filter(({ name, program }) => name !== 'index' && !program).map(({ name }) => [name, [`./dist/${name}.d.cts`]]);
    expect(manifest.typesVersions).to.deep.equal(typed.length === 0 ? undefined : { '*': Object.fromEntries(typed) });
    expect(manifest.exports).to.deep.equal({ ...ways, './package.json': './package.json' });
    expect(Object.values(manifest.bin ?? {})).to.deep.equal(ENTRIES.filter(({ program }) => program).map(({ name }) => `./dist/${name}.cjs`));
  });

  it('gives the same objects to import and to require, and no other names', async () => {
    const required = require('tls-graceful-shutdown') as Names;
    const imported = (await import('tls-graceful-shutdown')) as Names;
    expect(Object.keys(imported).sort()).to.deep.equal(Object.keys(required).sort());
    for (const [name, value] of Object.entries(required)) expect(imported[name] === value, name).to.equal(true);
    expect(Object.keys(required)).to.include.members(['TlsShutdownError', 'drainable', 'gracefulShutdown', 'unwrap']);
  });

  it('lets a test replace what it requires', () => {
    const names = Object.values(Object.getOwnPropertyDescriptors(require('tls-graceful-shutdown')));
    expect(names.every(({ writable, configurable }) => writable === true && configurable === true)).to.equal(true);
  });

  it('can be bundled again: no text goes over a line, and no module of Node is required', () => {
    const text = readFileSync(join(root, 'dist/implementation/index.cjs'), 'utf8');
    expect(text).not.to.match(/\\\n/);
    expect(text).not.to.match(/\brequire\(/);
    expect(text.split('\n').length).to.be.greaterThan(100); // Node prints the line of an error
  });
});

describe('an entry', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(output, 'entries-'));
    mkdirSync(join(folder, 'src/other'), { recursive: true });
    mkdirSync(join(folder, 'dist'));
    const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
    write('src/index.ts', "export { state, bump } from './state.js';\n");
    write('src/state.ts', 'export const state = { count: 0 };\nexport const bump = (): number => ++state.count;\nexport const hidden = (): number => state.count;\n');
    write('src/other/other.ts', "import { hidden } from '../state.js';\nimport { bump } from '../index.js';\nimport { own } from './own.js';\nexport const twice = (): number => bump() + bump() + own;\nexport const seen = hidden;\n");
    write('src/other/own.ts', 'export const own = 100;\n');
    write('src/preload.ts', "import { bump } from './state.js';\nbump();\n");
    write('src/program.ts', "import { twice } from './other/other.js';\nimport { own } from './other/own.js';\nconsole.log(twice(), own);\n");
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('shares the state of the main one, has its own, and hands its names on to import', async () => {
    const entries = [
      { name: 'index', source: 'index.ts' },
      { name: 'other', source: 'other/other.ts' },
      { name: 'preload', source: 'preload.ts' },
      { name: 'program', source: 'program.ts', program: true, over: 'other' },
    ];
    const dist = (name: string) => join(folder, 'dist', name);
    await bundle(entries, join(folder, 'src'), join(folder, 'dist'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const main = require(dist('index.cjs')) as { state: { count: number }; bump(): number };
    const other = require(dist('other.cjs')) as { twice(): number; seen(): number };
    expect([Object.keys(main).sort(), Object.keys(other).sort()]).to.deep.equal([['bump', 'state'], ['seen', 'twice']]);
    expect([main.bump(), other.twice(), other.seen(), main.state.count]).to.deep.equal([1, 105, 3, 3]);
    expect((await import(dist('other.js')) as typeof other).twice).to.equal(other.twice);
    await import(dist('preload.js'));
    expect(main.state.count).to.equal(4);
    expect(readFileSync(dist('program.cjs'), 'utf8')).to.match(/^#!\/usr\/bin\/env node\n/);
    expect(existsSync(dist('program.js'))).to.equal(false);
    expect(execFileSync(process.execPath, [dist('program.cjs')], { encoding: 'utf8' })).to.equal('103 100\n');
    expect(readFileSync(dist('implementation/program.cjs'), 'utf8')).not.to.match(/= ?100/); // it is taken from the other one
    for (const name of readdirSync(dist('implementation'))) expect(readFileSync(join(dist('implementation'), name), 'utf8'), name).not.to.include(root);
  });

  it('has types for both, and only those that it needs', () => {
    const write = (path: string, text: string) => writeFileSync(join(folder, 'dist', path), text);
    mkdirSync(join(folder, 'dist/other'));
    mkdirSync(join(folder, 'dist/inner'));
    write('index.d.ts', "import type * as net from 'node:net';\nexport { a } from './state.js';\n");
    write('state.d.ts', 'export declare const a: import("./types.js").A;\n');
    write('types.d.ts', 'export type A = 1;\n');
    write('other/other.d.ts', "export type { A } from '../types.js';\n");
    write('inner/unused.d.ts', 'export {};\n');
    writeDeclarations([{ name: 'index', source: 'index.ts' }, { name: 'other', source: 'other/other.ts' }], join(folder, 'dist'));
    const types = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('.d.')).map((path) => path.replaceAll('\\', '/'));
    expect(types.sort()).to.deep.equal(['index.d.cts', 'index.d.ts', 'other.d.cts', 'other.d.ts', 'other/other.d.cts', 'state.d.cts', 'types.d.cts']);
    const text = (path: string) => readFileSync(join(folder, 'dist', path), 'utf8');
    expect([text('other.d.ts'), text('other.d.cts'), text('other/other.d.cts')]).to.deep.equal([
      "export * from './other.cjs';\n",
      "export * from './other/other.cjs';\n",
      "export type { A } from '../types.cjs';\n",
    ]);
    expect(text('state.d.cts')).to.include('import("./types.cjs")');
    expect(existsSync(join(folder, 'dist/inner'))).to.equal(false);
  });

  it('must not have types that need esModuleInterop', () => {
    writeFileSync(join(folder, 'dist/bad.d.ts'), "import type net from 'node:net';\nexport declare const socket: net.Socket;\n");
    expect(() => writeDeclarations([{ name: 'bad', source: 'bad.ts' }], join(folder, 'dist'))).to.throw(/bad\.ts: .*esModuleInterop/);
  });
});
