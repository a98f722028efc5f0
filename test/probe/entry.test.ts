/** `tls-graceful-shutdown/probe` is an entry of its own. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { PACKAGE_VERSION } from '../../src/probe/version.js';

function loaded(program: string): string[] {
  const code = `${program}; console.log(JSON.stringify(Object.keys(require.cache).map((path) => path.replaceAll('\\\\', '/').split('/').at(-1))))`;
  return JSON.parse(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })) as string[];
}

describe('tls-graceful-shutdown/probe', () => {
  it('is not loaded with the library, which it uses', () => {
    expect(loaded("require('tls-graceful-shutdown')")).to.deep.equal(['index.cjs', 'index.cjs']);
    expect(loaded("require('tls-graceful-shutdown/probe')")).to.deep.equal(['probe.cjs', 'probe.cjs', 'index.cjs']);
  });

  it('asks in the name of the version that the package has', () => {
    expect(PACKAGE_VERSION).to.equal((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
  });
});
