/** SECURITY.md names the test behind each assertion and each attack. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const text = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

describe('SECURITY.md', () => {
  it('names a test that is there behind each assertion and each attack', () => {
    const security = text('SECURITY.md');
    const names = [...security.matchAll(/`((?:closure|node|connection|shutdown|wrap|interop)\/[\w-]+)`/g)].map(([, name = '']) => name);
    expect(names.length).to.be.greaterThan(20);
    for (const name of names) expect(text(`test/${name}.test.ts`)).to.not.equal('');
    const [, asserts = ''] = /## What this package asserts\n([^]*?)\n## /.exec(security) ?? [];
    for (const one of asserts.split('\n- ').slice(1)) expect(one).to.match(/\(`.*`\)/);
    const [, attacks = ''] = /\| what the attacker does [^\n]*\n\|[-|]+\n([^]*?)\n\n/.exec(security) ?? [];
    for (const row of attacks.split('\n')) expect(row.split(' | ').at(-1)).to.match(/`/);
  });
});
