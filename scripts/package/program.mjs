// The program, as `npx` finds it, and the entry that has the same as functions.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { check } from './stranger.mjs';

const run = (stranger, args) => {
  const child = spawn(stranger.path('node_modules/.bin/tls-graceful-shutdown'), args, { cwd: stranger.folder, shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (output[name] += chunk));
  return { child, output, ended: once(child, 'close').then(([status]) => ({ status, ...output })) };
};

export async function tryProgram(stranger) {
  const assertion = "if (Object.keys(m).sort().join() !== 'probe,serve') throw new Error(Object.keys(m).join())";
  await stranger.node('--input-type=module', '-e', `const m = await import('tls-graceful-shutdown/probe'); ${assertion}`);
  await stranger.node('-e', `const m = require('tls-graceful-shutdown/probe'); ${assertion}`);
  check('import and require give probe and serve');

  const serving = run(stranger, ['serve', '--json', '--cert', 'localhost.cert.pem', '--key', 'localhost.key.pem']);
  while (!serving.output.stdout.includes('\n')) await once(serving.child.stdout, 'data');
  const { servers } = JSON.parse(serving.output.stdout);
  for (const [kind, status] of [['clean', 0], ['fin', 1], ['silent', 2]]) {
    const { port } = servers.find(({ close }) => close === kind);
    const probed = await run(stranger, ['probe', `localhost:${port}`, '--ca', 'localhost.cert.pem', '--timeout', '1000', '--json']).ended;
    check(`probe of serve --close ${kind} exits with ${status}`, probed.status === status && JSON.parse(probed.stdout).answers.length === 8 && probed.stderr === '');
  }
  serving.child.kill('SIGTERM');
  check('serve ends with 0 on SIGTERM', (await serving.ended).status === 0);
  const wrong = await run(stranger, ['probe', 'localhost', '--tmeout', '5']).ended;
  check('a mistyped option exits with 64, and names the nearest', wrong.status === 64 && wrong.stderr.includes('Did you mean --timeout?'));
}
