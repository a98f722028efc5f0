// Packs the package and uses it as strangers would: by import and require, in test runners, in every mode of TypeScript, and bundled. `dist/` must be built.
// With a word it does only that part: `node scripts/try-package.mjs typescript`.
import { fileURLToPath } from 'node:url';
import { tryBundlers } from './package/bundlers.mjs';
import { checkContents } from './package/contents.mjs';
import { tryLinters } from './package/linters.mjs';
import { tryProgram } from './package/program.mjs';
import { tryRuntime } from './package/runtime.mjs';
import { Stranger, pack } from './package/stranger.mjs';
import { tryTypeScript } from './package/typescript.mjs';

const PARTS = { linters: tryLinters, runtime: tryRuntime, program: tryProgram, bundlers: tryBundlers, typescript: tryTypeScript };
const [, , only] = process.argv;
if (only !== undefined && !(only in PARTS)) throw new Error(`a part is one of ${Object.keys(PARTS).join(', ')}`);

const stranger = new Stranger();
try {
  const packed = pack(stranger.folder);
  checkContents(packed);
  stranger.install(fileURLToPath(new URL('package/project', import.meta.url)), packed.tarball);
  for (const [name, part] of Object.entries(PARTS)) if (only === undefined || only === name) await part(stranger, packed.tarball);
} finally {
  stranger.remove();
}
