// Packs the package and uses it from a scratch project: by import, by require, and from TypeScript. Checks its size.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'try-package-'));
const run = (command, args, cwd = scratch) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const check = (what, right) => {
  if (!right) throw new Error(`not so: ${what}`);
  console.log(`ok  ${what}`);
};

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], root));
  const tarball = join(scratch, packed.filename);
  const { size } = statSync(tarball);
  check(`the tarball has at most 90 kB packed (${size} bytes, ${packed.files.length} files)`, size <= 90_000);
  check('it brings no tests, sources or fixtures', packed.files.every(({ path }) => /^(dist\/|docs\/|package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)/.test(path)));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  check('it has no runtime dependency', manifest.dependencies === undefined && manifest.peerDependencies === undefined);

  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ name: 'scratch', version: '1.0.0', private: true }));
  run('npm', ['install', '--no-audit', '--no-fund', '--offline', tarball]);
  const names = "['TlsShutdownError','drainAgent','drainOnSignal','drainSockets','drainable','getShutdown','getShutdownError','gracefulShutdown','shutdown','unwrap','watch','wrap']";
  const assertion = `if (JSON.stringify(Object.keys(m).sort()) !== JSON.stringify(${names})) throw new Error(Object.keys(m).join());`;
  run(process.execPath, ['--input-type=module', '-e', `const m = await import('tls-graceful-shutdown'); ${assertion}`]);
  check('import gives the documented names', true);
  run(process.execPath, ['-e', `const m = require('tls-graceful-shutdown'); ${assertion}`]);
  check('require gives the same', true);

  writeFileSync(
    join(scratch, 'use.mts'),
    `import tls from 'node:tls';
import https from 'node:https';
import { drainable, drainOnSignal, gracefulShutdown, getShutdownError, unwrap, watch, wrap, type DrainReport, type ShutdownErrorCode, type ShutdownReturn } from 'tls-graceful-shutdown';
const socket = watch(tls.connect({ port: 1 }));
const value: Promise<ShutdownReturn> = gracefulShutdown(socket, { bidirectional: true, timeout: 1000 });
const code: ShutdownErrorCode | undefined = getShutdownError(socket)?.code;
// @ts-expect-error an unknown option value
void gracefulShutdown(socket, { unread: 'drop' });
const plain = unwrap(wrap(socket, { servername: 'x' }), { timeout: 1000 });
const server = drainable(https.createServer(), { idleGrace: 1000 });
const report: Promise<DrainReport> = server.drain();
drainOnSignal(server, { onDrained: ({ oneWay }) => oneWay })[Symbol.dispose]();
export { value, code, plain, report };
`,
  );
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '@types/node@20']);
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', 'use.mts']);
  check('TypeScript sees its types', true);

} finally {
  rmSync(scratch, { recursive: true, force: true });
}
