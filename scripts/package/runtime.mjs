// By import, by require, in jest as it comes, and in vitest.
import { check } from './stranger.mjs';

const NAMES = ['TlsShutdownError', 'drainAgent', 'drainOnSignal', 'drainSockets', 'drainable', 'getShutdown', 'getShutdownError', 'gracefulShutdown', 'shutdown', 'unwrap', 'watch', 'wrap'];

export async function tryRuntime(stranger) {
  const assertion = `if (Object.keys(m).sort().join() !== '${NAMES}') throw new Error(Object.keys(m).join())`;
  await stranger.node('--input-type=module', '-e', `const m = await import('tls-graceful-shutdown'); ${assertion}`);
  check('import gives the documented names');
  await stranger.node('-e', `const m = require('tls-graceful-shutdown'); ${assertion}`);
  check('require gives the same names');
  await stranger.node('bundled.mjs', stranger.folder);
  check('the names of both are the same objects, and both ways work');
  for (const option of ['--import', '--require']) await stranger.node(option, 'tls-graceful-shutdown/register', '-e', '');
  check('it can be preloaded');
  await stranger.node(stranger.path('node_modules/jest/bin/jest.js'), 'jest/');
  check('jest, as it comes');
  await stranger.node(stranger.path('node_modules/vitest/vitest.mjs'), 'run', 'vitest/');
  check('vitest');
}
