// Writes dist/index.js: the whole package in one file. To import the sources one by one takes three times as long (docs/measured.md).
import { build } from 'esbuild';

await build({
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 140,
  logLevel: 'warning',
});
