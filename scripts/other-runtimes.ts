/**
 * What of the package works on Bun and Deno? Values must be true, or say `unverified`. No byte and no request may be lost. What can't be done is refused, with
 * the name of the runtime. Node is run beside them, as the measure. The table in docs/limits.md is what comes out.
 *
 *   node build/scripts/other-runtimes.js [Node|Bun|Deno ...]    installs Bun and Deno first, into scripts/other-runtimes/packages
 */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { VERSIONS } from '../test/support/pair.js';
import { CASES, tryCase } from './other-runtimes/closing.js';
import { tryDrain, tryPool, tryRegister } from './other-runtimes/draining.js';
import { KINDS, type Kind, type Run, type Seen } from './other-runtimes/shared.js';

const packages = fileURLToPath(new URL('../../scripts/other-runtimes/packages', import.meta.url));
const compiled = (name: string) => fileURLToPath(new URL(`other-runtimes/${name}.js`, import.meta.url));
const register = fileURLToPath(new URL('../../dist/register.js', import.meta.url));
const bin = (name: string) => join(packages, 'node_modules', '.bin', name);

interface Runtime {
  readonly command: readonly [string, ...string[]];
  /** The option that loads a module before the program. */
  readonly preload: string;
  /** Servers that `drainable` refuses, and the preload. */
  readonly refuses: readonly (Kind | 'register')[];
}

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  Node: { command: [process.execPath], preload: '--import', refuses: [] },
  Bun: { command: [bin('bun')], preload: '--preload', refuses: ['https', 'http', 'register'] },
  Deno: { command: [bin('deno'), 'run', '--allow-all', '--quiet'], preload: '--import', refuses: [] },
};

interface Result {
  readonly result: string;
  readonly complaints: readonly string[];
}

let failed = 0;

async function report(title: string, result: Promise<Result>): Promise<void> {
  const { result: text, complaints } = await result.catch((error: Error) => ({ result: '', complaints: [error.message] }));
  if (complaints.length > 0) failed++;
  console.log(`${complaints.length > 0 ? 'FAIL' : 'ok  '} ${title}: ${text}`);
  for (const complaint of complaints) console.log(`     ${complaint}`);
}

const shown = ({ answers }: Seen): string => answers.map(({ value, code = '', sent, received }) => `${value} ${code.replace('ERR_TLS_SHUTDOWN_', '')} (${sent}, ${received})`).join('; ');

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: packages, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });

for (const name of names) {
  const runtime = RUNTIMES[name];
  if (runtime === undefined) throw new Error(`a runtime is one of ${Object.keys(RUNTIMES).join(', ')}`);
  const [command, ...options] = runtime.command;
  const run: Run = async (program, ...args) => (await promisify(execFile)(command, [...options, compiled(program), ...args], { timeout: 30_000, killSignal: 'SIGKILL' })).stdout;
  for (const each of CASES) {
    for (const version of VERSIONS) {
      const result = tryCase(each, version, run).then(({ seen, complaints }) => ({ result: shown(seen), complaints }));
      await report(`${name}, ${version}: ${each.title}`, result);
    }
  }
  await report(`${name}: draining an agent`, tryPool(run));
  const server = compiled('server');
  for (const kind of KINDS) await report(`${name}: draining ${kind}`, tryDrain({ kind, command, args: [...options, server], mayRefuse: runtime.refuses.includes(kind) }));
  const preloaded = { command, args: [...options, runtime.preload, register, server], mayRefuse: runtime.refuses.includes('register') };
  for (const kind of ['https', 'http2'] as const) await report(`${name}: draining ${kind} by register`, tryRegister({ kind, ...preloaded }));
}
console.log(failed === 0 ? 'All as docs/limits.md says.' : `${failed} are not as they should be.`);
process.exitCode = failed === 0 ? 0 : 1;
