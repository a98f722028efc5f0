// Runs every compiled example as a child and prints a line for each. Exits with 1 if any fails or takes too long.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LIMIT = 10_000; // milliseconds
const folder = new URL(`../${process.argv[2] ?? 'build'}/examples/`, import.meta.url);
const examples = readdirSync(folder).filter((file) => file.endsWith('.js'));
if (examples.length === 0) throw new Error(`no examples in ${fileURLToPath(folder)}`);

function run(file) {
  const start = performance.now();
  return new Promise((resolve) => {
    execFile(process.execPath, [fileURLToPath(new URL(file, folder))], { timeout: LIMIT, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const elapsed = Math.round(performance.now() - start);
      const reason = error === null ? '' : error.killed ? ' (took too long)' : ` (exit ${error.code ?? error.signal})`;
      console.log(`${error === null ? 'ok  ' : 'FAIL'} ${file} ${elapsed} ms${reason}`);
      if (error !== null) console.log(`${stdout}${stderr}`.replace(/^/gm, '     '));
      resolve(error === null);
    });
  });
}

let failed = 0;
for (const file of examples) if (!(await run(file))) failed++;
console.log(failed === 0 ? `${examples.length} examples ran.` : `${failed} of ${examples.length} examples failed.`);
process.exitCode = failed === 0 ? 0 : 1;
