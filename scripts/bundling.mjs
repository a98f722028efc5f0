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

/** Modules of the main entry that another one imports are not bundled again. `used` collects them, by their paths within the sources. */
function takeFromMain(main, sources, used) {
  return {
    name: 'take from the main implementation',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path.replace(/\.js$/, '.ts'));
        if (!main.has(file)) return undefined;
        const module = relative(sources, file).replaceAll('\\', '/');
        used.add(module);
        return { path: module, namespace: 'main' };
      });
      onResolve({ filter: /^main$/, namespace: 'main' }, () => ({ path: './index.cjs', external: true }));
      onLoad({ filter: /./, namespace: 'main' }, ({ path }) => ({ contents: `module.exports = require('main')[${JSON.stringify(path)}]` }));
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
  const [first, ...others] = entries;
  const main = { ...first, ...(await look(resolve(sources, first.source))) };
  const used = new Set();
  mkdirSync(join(outdir, 'implementation'), { recursive: true });
  for (const entry of others) {
    const file = resolve(sources, entry.source);
    const shared = takeFromMain(new Set(main.files), sources, used);
    const { names } = await look(file, [shared]);
    await writeImplementation(join(outdir, 'implementation', `${entry.name}.cjs`), { entryPoints: [file], plugins: [shared] });
    writeEntry(outdir, entry, names);
  }
  // The public names, and a property for each module that another entry needs.
  const contents = [`export * from './${main.source}';`, ...[...used].map((module) => `export * as '${module}' from './${module}';`)].join('\n');
  await writeImplementation(join(outdir, 'implementation', `${main.name}.cjs`), { stdin: { contents, resolveDir: sources, loader: 'ts' } });
  writeEntry(outdir, main, main.names);
}
