/** Programs of the packages that test/interop/programs has, as their users write them. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fromRoot } from './ends.js';

const FOLDER = fromRoot('test/interop/programs');

/** What the lock says, anew. */
export function installPackages(): void {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}

export function pathOf(program: string): string {
  return `${FOLDER}/${program}`;
}

/** A module of one of the packages, for a client of the test's. */
export function load<T>(name: string): T {
  return createRequire(`${FOLDER}/package.json`)(name) as T;
}
