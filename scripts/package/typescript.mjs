// TypeScript in each mode that a program of Node's may use, with the types of each Node, without skipLibCheck. What is compiled is run, too.
import { copyFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './stranger.mjs';

const NODES = [20, 22, 24, 26];
/** These in every mode, the others in one. */
const ENDS = [20, 26];

/** `files`: what use.ts is compiled as. TypeScript 6 deprecates `esModuleInterop: false` and `node10`, 7 has neither. */
const MODES = {
  'commonjs, node10': { module: 'commonjs', moduleResolution: 'node10', files: ['use.ts'], until: 5 },
  'commonjs, bundler': { module: 'commonjs', moduleResolution: 'bundler', files: ['use.ts'], since: 6 },
  node16: { module: 'node16', files: ['use.cts', 'use.mts'] },
  node18: { module: 'node18', files: ['use.cts', 'use.mts'] },
  nodenext: { module: 'nodenext', files: ['use.cts', 'use.mts'] },
  'esnext, bundler': { module: 'esnext', moduleResolution: 'bundler', files: ['use.mts'] },
  'preserve, bundler': { module: 'preserve', moduleResolution: 'bundler', files: ['use.mts'] },
};
const VERSIONS = [
  { version: 5, interop: [true, false] },
  { version: 6, interop: [true] },
  { version: 7, interop: [true] },
];

async function compile(stranger, version, node, { module, moduleResolution, files }, esModuleInterop) {
  const folder = stranger.makeFolder('typescript', `node-${node}`);
  const options = { target: 'es2022', strict: true, exactOptionalPropertyTypes: true, rootDir: '.', outDir: 'out', types: ['node'], module, moduleResolution, esModuleInterop };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  rmSync(join(folder, 'out'), { recursive: true, force: true });
  await stranger.run(process.execPath, [stranger.path('node_modules', `typescript-${version}`, 'bin/tsc'), '-p', '.'], { cwd: folder });
  for (const file of files) {
    const printed = await stranger.run(process.execPath, [join(folder, 'out', file.replace('ts', 'js'))]);
    if (printed !== '-1 ERR_INVALID_ARG_VALUE 0 ERR_TLS_SHUTDOWN_IN_HANDSHAKE\n') throw new Error(`printed ${printed}`);
  }
}

/** A project for each version of `@types/node`. */
function prepare(stranger, node) {
  const folder = stranger.makeFolder('typescript', `node-${node}`);
  for (const file of ['use.ts', 'use.cts', 'use.mts']) copyFileSync(stranger.path('use.ts'), join(folder, file));
  stranger.makeFolder('typescript', `node-${node}`, 'node_modules', '@types');
  symlinkSync(stranger.path('node_modules', `types-node-${node}`), join(folder, 'node_modules/@types/node'), 'junction');
  return JSON.parse(readFileSync(stranger.path('node_modules', `types-node-${node}`, 'package.json'), 'utf8')).version;
}

export async function tryTypeScript(stranger) {
  const types = NODES.map((node) => prepare(stranger, node));
  for (const { version, interop } of VERSIONS) {
    for (const [name, mode] of Object.entries(MODES)) {
      if (version < (mode.since ?? 0) || version > (mode.until ?? Infinity)) continue;
      const nodes = name === 'nodenext' ? NODES : ENDS;
      for (const esModuleInterop of interop) for (const node of nodes) await compile(stranger, version, node, mode, esModuleInterop);
      check(`TypeScript ${version}: ${name}${interop.length > 1 ? ', with and without esModuleInterop' : ''}`);
    }
  }
  check(`each with @types/node ${types.join(', ')}`);
}
