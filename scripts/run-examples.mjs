// Runs every example as a child and prints a line for each. Exits with 1 if any fails or takes too long. Those in a folder with a package.json have
// packages of their own, which are installed first: `node scripts/run-examples.mjs build own` leaves these out.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, programs } from './prepare-example.mjs';

const LIMIT = 20_000; // milliseconds
const NEED_A_SERVER = ['databases']; // test/interop/databases.test.ts starts it, and runs them
const [, , output = 'build', which = 'all'] = process.argv;
const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = join(root, output, 'examples');

const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory() && ![...NEED_A_SERVER, 'support'].includes(entry.name)).map(({ name }) => name);
const hasPackages = (name) => existsSync(join(root, 'examples', name, 'package.json'));

function run(file) {
  const start = performance.now();
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { timeout: LIMIT, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const elapsed = Math.round(performance.now() - start);
      const reason = error === null ? '' : error.killed ? ' (took too long)' : ` (exit ${error.code ?? error.signal})`;
      console.log(`${error === null ? 'ok  ' : 'FAIL'} ${file.slice(root.length)} ${elapsed} ms${reason}`);
      if (error !== null) console.log(`${stdout}${stderr}`.replace(/^/gm, '     '));
      resolve(error === null);
    });
  });
}

const examples = programs(compiled);
if (examples.length === 0) throw new Error(`no examples in ${compiled}`);
for (const name of folders) {
  if (!hasPackages(name)) examples.push(...programs(join(compiled, name)));
  else if (which === 'all') examples.push(...prepare(name));
}
let failed = 0;
for (const file of examples) if (!(await run(file))) failed++;
console.log(failed === 0 ? `${examples.length} examples ran.` : `${failed} of ${examples.length} examples failed.`);
process.exitCode = failed === 0 ? 0 : 1;
