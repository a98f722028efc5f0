/** The sources hang together as CONTRIBUTING.md says: imports point one way, and undocumented Node stays in src/node/. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

interface Source {
  /** Within src/, with `/`. */
  readonly path: string;
  /** The first folder of the path; of a loose file its name without `.ts`. */
  readonly place: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** Modules of Node, and paths within src/. */
  readonly imports: readonly string[];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const code = withoutComments(text);
  const imports = [...code.matchAll(/\bfrom '([^']+)'/g)].map(([, name = '']) => (name.startsWith('.') ? join(dirname(path), name).replaceAll('\\', '/').replace(/js$/, 'ts') : name));
  return { path, place: path.split('/')[0]!.replace('.ts', ''), text, code, imports };
}

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .map(read);
const byPath = new Map(sources.map((source) => [source.path, source]));

/** Each place, and all that it may import besides itself. */
const ROOTS = ['types', 'errors', 'arguments', 'builtins'];
const UP_TO_CONNECTION = [...ROOTS, 'closure', 'node', 'connection'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  types: ROOTS,
  errors: ROOTS,
  arguments: ROOTS,
  builtins: [],
  closure: ROOTS,
  node: ROOTS,
  connection: UP_TO_CONNECTION,
  shutdown: UP_TO_CONNECTION,
  wrap: [...UP_TO_CONNECTION, 'shutdown'],
  drain: [...UP_TO_CONNECTION, 'shutdown'],
  index: [...UP_TO_CONNECTION, 'shutdown', 'wrap', 'drain'],
  register: [...UP_TO_CONNECTION, 'shutdown', 'drain'],
  probe: [...ROOTS, 'index'],
};

describe('sources', () => {
  it('import one way: types, errors, arguments < closure, node < connection < shutdown < wrap, drain < index, register; index < probe', () => {
    for (const { path, place, imports } of sources) {
      const allowed = MAY_IMPORT[place];
      expect(allowed, `${path}: a place that MAY_IMPORT knows`).to.be.an('array');
      for (const name of imports.filter((each) => byPath.has(each))) {
        const other = byPath.get(name)!.place;
        expect(other === place || allowed!.includes(other), `${path} must not import ${name}`).to.equal(true);
      }
    }
  });

  it('import only files that exist, and modules of Node', () => {
    for (const { path, imports } of sources) for (const name of imports) expect(byPath.has(name) || name.startsWith('node:'), `${path} imports ${name}`).to.equal(true);
  });

  it('keep Node out of closure/', () => {
    for (const { path, code, imports } of sources.filter(({ place }) => place === 'closure')) {
      expect(imports.filter((name) => name.startsWith('node:')), path).to.deep.equal([]);
      expect(/\b(process|globalThis|setTimeout|setImmediate|queueMicrotask|performance)\b/.exec(code), path).to.equal(null);
    }
  });

  it('import in no circle', () => {
    const done = new Set<string>();
    const visit = (path: string, above: readonly string[]): void => {
      expect(above, 'a circle').not.to.include(path);
      if (done.has(path) || path === 'types.ts') return; // types.ts has only types: at run time it is not there
      for (const name of byPath.get(path)!.imports) if (byPath.has(name)) visit(name, [...above, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    expect(byPath.get('types.ts')!.code).not.to.match(/^import (?!type )|^export (?!type |interface )/m);
  });

  it('are short: 250 lines a file, six files in src/ itself', () => {
    for (const { path, text } of sources) expect(text.trimEnd().split('\n').length, path).to.be.at.most(250);
    expect(sources.filter(({ path }) => !path.includes('/')).length).to.be.at.most(6);
  });
});

/** The methods that Node documents for those who implement a stream. */
const DOCUMENTED = ['_read', '_write', '_writev', '_final', '_destroy'];

function underscored(code: string): string[] {
  const own = code.replace(/(?<=[(,] *)_\w+(?=: )/g, ''); // parameters that are not used
  return [...own.matchAll(/(?<![\w$])_\w+/g)].map(([name]) => name).filter((name) => !DOCUMENTED.includes(name));
}

/** Names of such fields that something public or of our own has, too. */
const ALSO_PUBLIC = ['bytesRead', 'bytesWritten', 'shutdown'];

/** The names in the first column of the table on top of a file of src/node/: of ``_parent.readStart()`, `readStop()`` they are _parent, readStart and readStop. */
function fieldsInTable({ text }: Source): Set<string> {
  const cells = [...text.matchAll(/^ \* \| ([^|]*`[^|]*) \|/gm)].map(([, cell = '']) => cell);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`(?:Symbol\(([^)]+)\)|([^`]+))`/g)].flatMap(([, symbol, path = '']) => symbol ?? path.replace(/\([^)]*\)/g, '').split('.')));
  return new Set(names.filter((name) => !['socket', 'server', 'handle', 'request', 'net', 'Socket', 'Duplex', 'prototype'].includes(name)));
}

/** Names of members that code reads, calls or sets: behind a dot, taken apart, or found by a text. */
function namesUsed(code: string): Set<string> {
  const dotted = [...code.matchAll(/(?<!\bthis)\.(\w+)/g)].map(([, name = '']) => name);
  const takenApart = [...code.matchAll(/\{([^{}]*)\} = /g)].flatMap(([, names = '']) => [...names.matchAll(/(\w+)(?=\s*(?:,|:|$))/g)].map(([name]) => name));
  const texts = [...code.matchAll(/'([^'\n ]*[a-z][.A-Z][^'\n ]*)/g)].map(([, name = '']) => name);
  return new Set([...dotted, ...takenApart, ...texts, ...compared(code)]);
}

/** Names of Node's own classes, functions and symbols that code compares with. */
function compared(code: string): string[] {
  return [...code.matchAll(/\b(?:name|description) [!=]== '(\w+)'/g)].map(([, name = '']) => name).filter((name) => !/^E[A-Z]+$/.test(name)); // EALREADY is libuv's
}

/** What the handles are declared to have. */
function declared(code: string): string[] {
  const bodies = [...code.matchAll(/interface \w*(?:Handle|Request)\b[^{]*\{([^]*?)\n\}/g)].map(([, body = '']) => body);
  return bodies.flatMap((body) => [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, name = '']) => name));
}

describe('public functions', () => {
  const exported = ['', 'probe/'].flatMap((folder) =>
    [...byPath.get(`${folder}index.ts`)!.code.matchAll(/export \{ ([^}]*) \} from '\.\/([^']+)\.js'/g)].flatMap(([, names = '', path]) =>
      names.split(', ').filter((name) => /^[a-z]/.test(name) && !name.startsWith('type ')).map((name) => ({ name, path: `${folder}${path}.ts` })),
    ),
  );

  it('are the documented ones', () => {
    const readme = readFileSync(join(root, '../README.md'), 'utf8');
    expect(exported).to.have.length.greaterThan(10);
    for (const { name } of exported) expect(readme, 'all of them in "Which call do I need?"').to.include(`${name}(`);
  });

  for (const { name, path } of exported) {
    it(`have an example in their documentation, and say what they throw: ${name}`, () => {
      const { text } = byPath.get(path)!;
      const doc = text.slice(0, text.search(new RegExp(`^export (async )?function ${name}\\b`, 'm'))).split('/**').at(-1);
      expect(doc).to.match(/@throws/).and.to.match(/@example\n \* \S/);
    });
  }
});

describe('the tree in CONTRIBUTING.md', () => {
  it('has each file, and none that is not there', () => {
    const [, tree = ''] = /```text\nsrc\/\n([^]*?)```/.exec(readFileSync(join(root, '../CONTRIBUTING.md'), 'utf8')) ?? [];
    const folders: string[] = [];
    const drawn: string[] = [];
    for (const [, indent = '', name = '', slash] of tree.matchAll(/^( +)([\w-]+(?:\.ts)?)(\/)?/gm)) {
      folders.length = indent.length / 2 - 1;
      if (slash !== undefined) folders.push(name);
      else drawn.push([...folders, name].join('/'));
    }
    expect(drawn.sort()).to.deep.equal([...byPath.keys()].sort());
  });
});

describe('undocumented fields of Node', () => {
  /** The way to a handle: in the table of handle.ts, for all of them. */
  const everywhere = ['_handle', '_parent', '_parentWrap', 'stream'];
  const inNode = sources.filter(({ place, path }) => place === 'node' && path !== 'node/canary.ts'); // that asks them all: test/node/canary.test.ts
  /** But for the symbol of a session that has the name of much else. */
  const known = new Set(inNode.flatMap((source) => [...fieldsInTable(source), ...declared(source.code)]).filter((name) => name !== 'state'));

  it('are touched in src/node/ only', () => {
    expect(known.size).to.be.greaterThan(25);
    for (const { path, code } of sources.filter(({ place }) => place !== 'node')) {
      expect(underscored(code), path).to.deep.equal([]);
      const used = namesUsed(code);
      expect([...known].filter((name) => used.has(name) && ![...DOCUMENTED, ...ALSO_PUBLIC].includes(name)), path).to.deep.equal([]);
    }
  });

  it('have a row in the table of the file that touches them', () => {
    for (const source of inNode) {
      const { path, code } = source;
      const listed = new Set([...fieldsInTable(source), ...(path === 'node/handle.ts' ? [] : everywhere)]);
      const used = namesUsed(code);
      const touched = new Set([...underscored(code), ...compared(code), ...[...known].filter((name) => used.has(name))]);
      expect([...touched].filter((name) => !listed.has(name)), `${path}: without a row`).to.deep.equal([]);
    }
  });

  it('have no row that nothing touches', () => {
    for (const source of inNode) {
      const { path, code } = source;
      const used = namesUsed(code);
      expect([...fieldsInTable(source)].filter((name) => !everywhere.includes(name) && !used.has(name)), path).to.deep.equal([]);
    }
  });

  it('have a row that says why, since when, and what happens without them', () => {
    for (const { path, text } of inNode) {
      const rows = [...text.matchAll(/^ \* (\|.*\|)$/gm)].map(([, row = '']) => row.slice(1, -1).split(' | ').map((cell) => cell.trim()));
      expect(rows.length, path).to.be.greaterThan(2);
      for (const row of rows.slice(2)) expect(row.filter((cell) => cell !== ''), `${path}: ${row[0]}`).to.have.length(4);
    }
  });
});
