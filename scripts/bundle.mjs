// Writes dist/index.js: the whole package in one file, without comments and white space (0.3 ms), with all its names. Node's modules are
// taken by process.getBuiltinModule: to `import` six of them costs 1.2 ms more, as each gets a namespace then (bench/import.ts; Node 20).
import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['src/index.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 140,
  write: false,
  logLevel: 'warning',
});

/** `import tls,{TLSSocket as TLSSocket2}from"node:tls";`, as esbuild writes it. */
const IMPORT = /\bimport\b\s*([\w$]+)?,?\s*(\{[^}]*\})?\s*from\s*"(node:[\w/]+)";/g;
const code = outputFiles[0].text.replace(IMPORT, (_, whole, names, name) => {
  const targets = [whole, names?.replaceAll(/\sas\s/g, ':')].filter(Boolean);
  return targets.map((target) => `const ${target}=process.getBuiltinModule("${name}");`).join('');
});
if (/\bfrom\s*"/.test(code)) throw new Error('an import is left in dist/index.js');
writeFileSync('dist/index.js', code);
