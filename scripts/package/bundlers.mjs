// Bundled by esbuild, rollup and webpack, into ESM and CommonJS. The program imports the package in one place and requires it in another.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { check } from './stranger.mjs';

/** Each bundles `input` for Node into `file`, as `format`. `load` gives a package of the stranger's. */
const BUNDLERS = {
  async esbuild(load, { input, file, format }) {
    const { build } = await load('esbuild');
    await build({ entryPoints: [input], outfile: file, format, bundle: true, platform: 'node', logLevel: 'warning' });
  },

  async rollup(load, { input, file, format }) {
    const [{ rollup }, { default: commonjs }, { default: nodeResolve }] = await Promise.all(['rollup', '@rollup/plugin-commonjs', '@rollup/plugin-node-resolve'].map(load));
    const onwarn = (warning) => {
      throw new Error(warning.message);
    };
    const plugins = [nodeResolve({ preferBuiltins: true }), commonjs()];
    const bundle = await rollup({ input, external: /^node:/, plugins, onwarn });
    await bundle.write({ file, format });
    await bundle.close();
  },

  async webpack(load, { input, file, folder, format }) {
    const { default: webpack } = await load('webpack');
    const isModule = format === 'esm';
    const output = { path: folder, filename: basename(file), module: isModule, ...(isModule && { library: { type: 'module' } }) };
    const stats = await new Promise((resolve, reject) => {
      webpack({ entry: input, target: 'node20', mode: 'production', output, experiments: { outputModule: isModule } }, (error, done) => (error ? reject(error) : resolve(done)));
    });
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
  },
};

/** Where the package can't be found. */
async function runElsewhere(stranger, file) {
  const elsewhere = mkdtempSync(join(tmpdir(), 'bundle-'));
  try {
    const moved = join(elsewhere, basename(file));
    copyFileSync(file, moved);
    await stranger.node(moved, stranger.folder);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
}

export async function tryBundlers(stranger) {
  const require = createRequire(stranger.path('index.js'));
  const load = (name) => import(pathToFileURL(require.resolve(name)).href);
  for (const [name, bundle] of Object.entries(BUNDLERS)) {
    for (const format of ['esm', 'cjs']) {
      const folder = stranger.makeFolder('bundles');
      const file = join(folder, `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`);
      await bundle(load, { input: stranger.path('bundled.mjs'), file, folder, format });
      await runElsewhere(stranger, file);
      check(`${name}, into ${format}`);
    }
  }
}
