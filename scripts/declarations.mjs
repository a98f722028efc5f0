// The types of each entry. They are CommonJS's (.d.cts), and those for import hand them on, so that a class has one type, too. TypeScript allows it this way
// round in all of its modes: what is ESM may import what is CommonJS.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const IMPORT = /(?<=from '|import\(")(\.{1,2}\/[^'"]+)\.js(?=['"])/g;

/** Without `esModuleInterop` TypeScript takes no default import in a CommonJS file. Where library files are not checked, the type would be `any`. */
const DEFAULT_IMPORT = /^import (?:type )?(?!type\b)[A-Za-z_$][\w$]* ?(?:,|from)/m;

/**
 * @param entries as in entries.mjs
 * @param folder that has the declarations of all sources; only those that an entry needs stay there
 */
export function writeDeclarations(entries, folder) {
  const kept = new Map();
  const visit = (path) => {
    if (kept.has(path)) return;
    const text = readFileSync(join(folder, `${path}.d.ts`), 'utf8');
    if (DEFAULT_IMPORT.test(text)) throw new Error(`src/${path}.ts: its types can't be used without esModuleInterop. Write \`import type * as net\` or \`import type { Socket }\`.`);
    kept.set(path, text.replace(IMPORT, '$1.cjs'));
    for (const [, imported] of text.matchAll(IMPORT)) visit(join(dirname(path), imported));
  };
  const typed = entries.filter(({ program }) => !program);
  for (const { source } of typed) visit(source.replace(/\.ts$/, ''));

  for (const path of readdirSync(folder, { recursive: true })) if (path.endsWith('.d.ts')) rmSync(join(folder, path));
  for (const [path, text] of kept) writeFileSync(join(folder, `${path}.d.cts`), text);
  for (const { name, source } of typed) {
    const own = join(folder, `${name}.d.cts`);
    if (!existsSync(own)) writeFileSync(own, `export * from './${source.replace(/\.ts$/, '.cjs')}';\n`);
    writeFileSync(join(folder, `${name}.d.ts`), `export * from './${name}.cjs';\n`);
  }
  removeEmpty(folder);
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inner = join(folder, entry.name);
    removeEmpty(inner);
    if (readdirSync(inner).length === 0) rmSync(inner, { recursive: true });
  }
}
