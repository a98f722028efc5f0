/**
 * What does importing the package add to importing node:tls? And how much of it would an empty package add, by the work of Node's own loader?
 * Fresh processes in turn, another module loaded before; medians of 20, in milliseconds.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.js';

const elsewhere = mkdtempSync(join(tmpdir(), 'import-'));
const empty = join(elsewhere, 'node_modules/empty');
mkdirSync(empty, { recursive: true });
writeFileSync(join(empty, 'package.json'), '{ "type": "module", "exports": { ".": "./index.js" } }');
writeFileSync(join(empty, 'index.js'), 'export {};');

const before = `await import('node:tls'); await import(${JSON.stringify(import.meta.resolve('./statistics.js'))})`;
const time = (name: string, cwd: string): number => {
  const program = `${before}; const start = performance.now(); await import('${name}'); console.log(performance.now() - start)`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', cwd }));
};

const here = fileURLToPath(new URL('../..', import.meta.url));
const ours: number[] = [];
const none: number[] = [];
for (let round = 0; round < 20; round++) {
  ours.push(time('tls-graceful-shutdown', here));
  none.push(time('empty', elsewhere));
}
rmSync(elsewhere, { recursive: true });
console.log(`node ${process.version}: importing tls-graceful-shutdown after node:tls takes ${median(ours).toFixed(1)} ms; an empty package ${median(none).toFixed(1)} ms`);
