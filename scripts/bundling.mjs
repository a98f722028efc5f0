// One file of each entry: to import the sources one by one takes three times as long (docs/measured.md). It is CommonJS, and all that is handed on to whoever
// imports or requires the package:
//
//   dist/implementation/NAME.cjs   the code
//   dist/NAME.cjs                  for require(): its names, as plain properties that a test can replace
//   dist/NAME.js                   for import: the same names of the same objects
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 140,
  logLevel: 'warning',
};

/**
 * Modules that another entry is made of are not bundled again. `others` are the entries to take them from, the first that has one; each collects in `used`, by
 * their paths within the sources, what is taken from it.
 */
function takeFrom(others, sources) {
  return {
    name: 'take from other implementations',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path.replace(/\.js$/, '.ts'));
        const other = others.find(({ files }) => files.includes(file));
        if (other === undefined) return undefined;
        const module = relative(sources, file).replaceAll('\\', '/');
        other.used.add(module);
        return { path: module, namespace: other.name };
      });
      for (const { name } of others) {
        onResolve({ filter: /^implementation$/, namespace: name }, () => ({ path: `./${name}.cjs`, external: true }));
        onLoad({ filter: /./, namespace: name }, ({ path }) => ({ contents: `module.exports = require('implementation')[${JSON.stringify(path)}]` }));
      }
    },
  };
}

/** The files that an entry is made of, and the names that it exports. */
async function look(file, plugins) {
  const { metafile } = await build({ ...OPTIONS, entryPoints: [file], plugins, format: 'esm', write: false, metafile: true });
  const [output] = Object.values(metafile.outputs);
  return { files: Object.keys(metafile.inputs).map((path) => resolve(path)), names: output.exports.sort() };
}

async function writeImplementation(file, options) {
  const { outputFiles } = await build({ ...OPTIONS, ...options, format: 'cjs', write: false });
  const [{ text }] = outputFiles;
  const whole = text.replaceAll('\\\n', ''); // the line limit breaks texts, too, and rollup indents what follows
  writeFileSync(file, whole.replace(/\brequire\("node:/g, 'process.getBuiltinModule("node:')); // esbuild can't put that require() into ESM
}

function writeEntry(outdir, { name, program }, names) {
  const list = names.join(', ');
  const implementation = `./implementation/${name}.cjs`;
  const cjs = join(outdir, `${name}.cjs`);
  if (program) {
    writeFileSync(cjs, `#!/usr/bin/env node\nrequire('${implementation}');\n`);
    return chmodSync(cjs, 0o755);
  }
  const handsOn = names.length > 0;
  writeFileSync(cjs, handsOn ? `'use strict';\nconst { ${list} } = require('${implementation}');\nmodule.exports = { ${list} };\n` : `require('${implementation}');\n`);
  writeFileSync(join(outdir, `${name}.js`), handsOn ? `export { ${list} } from './${name}.cjs';\n` : `import './${name}.cjs';\n`);
}

/**
 * @param entries as in entries.mjs
 * @param sources the folder that their sources are in
 */
export async function bundle(entries, sources, outdir) {
  mkdirSync(join(outdir, 'implementation'), { recursive: true });
  const known = new Map();
  for (const entry of entries) {
    const others = [entries[0].name, entry.over].flatMap((name) => known.get(name) ?? []);
    const { files, names } = await look(resolve(sources, entry.source), [takeFrom(others, sources)]);
    known.set(entry.name, { ...entry, others, files, names, used: new Set() });
    writeEntry(outdir, entry, names);
  }
  for (const { name, source, others, used } of known.values()) {
    // The public names, and a property for each module that another entry needs.
    const contents = [`export * from './${source}';`, ...[...used].map((module) => `export * as '${module}' from './${module}';`)].join('\n');
    const from = used.size === 0 ? { entryPoints: [resolve(sources, source)] } : { stdin: { contents, resolveDir: sources, loader: 'ts' } };
    const minifyIdentifiers = name !== entries[0].name; // who debugs a program reads the main one
    await writeImplementation(join(outdir, 'implementation', `${name}.cjs`), { ...from, minifyIdentifiers, plugins: [takeFrom(others, sources)] });
  }
}
