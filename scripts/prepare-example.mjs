// Installs the packages of one example that has a folder with a package.json, links this package into it, and compiles it:
//
//   node scripts/prepare-example.mjs databases
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The compiled programs of a folder. */
export const programs = (folder) => readdirSync(folder).filter((file) => file.endsWith('.js')).map((file) => join(folder, file));

/** @returns the programs of examples/`name`, ready to run */
export function prepare(name) {
  const folder = join(root, 'examples', name);
  const options = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { ...options, shell: process.platform === 'win32' });
  const link = join(folder, 'node_modules', 'tls-graceful-shutdown');
  rmSync(link, { force: true });
  symlinkSync(root, link, 'junction');
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], { ...options, stdio: 'inherit' });
  return programs(join(folder, 'build', name));
}

const [, script, name] = process.argv;
if (script === fileURLToPath(import.meta.url)) prepare(name);
