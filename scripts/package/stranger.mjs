// A project of a stranger: outside of this one, with the packed package and packages of its own.
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** npm is a script on Windows. */
export const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' });

/** Packs the package as it would be published; `dist/` must be built. */
export function pack(folder) {
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root));
  const tarball = join(folder, packed.filename);
  return { tarball, size: statSync(tarball).size, unpackedSize: packed.unpackedSize, paths: packed.files.map(({ path }) => path) };
}

export class Stranger {
  folder = mkdtempSync(join(tmpdir(), 'stranger-'));

  /** @param project a folder whose packages are installed, and then the package from its tarball */
  install(project, tarball) {
    cpSync(project, this.folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
    for (const kind of ['key', 'cert']) copyFileSync(join(root, `fixtures/localhost.${kind}.pem`), join(this.folder, `localhost.${kind}.pem`));
    npm(['ci', ...QUIET], this.folder);
    npm(['install', '--no-save', '--offline', ...QUIET, tarball], this.folder);
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  makeFolder(...parts) {
    mkdirSync(this.path(...parts), { recursive: true });
    return this.path(...parts);
  }

  /** Its output; what it has printed is in the error if it fails. */
  async run(command, args, options = {}) {
    const environment = { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '0' };
    try {
      const { stdout } = await promisify(execFile)(command, args, { cwd: this.folder, env: environment, timeout: 120_000, ...options });
      return stdout;
    } catch (error) {
      throw new Error(`${[command, ...args].join(' ')}\n${error.stdout}${error.stderr}`);
    }
  }

  node(...args) {
    return this.run(process.execPath, args);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function check(what, right = true) {
  if (!right) throw new Error(`not so: ${what}`);
  console.log(`ok  ${what}`);
}
