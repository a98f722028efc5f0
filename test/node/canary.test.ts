/** Each undocumented field of Node that this package needs is asked once, and is there. test/canary/ tries Nodes that lack one. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ASKED, UNASKED } from '../../src/node/canary.js';
import { runWithout } from '../support/run-without.js';

const folder = new URL('../../../src/node/', import.meta.url);

/** The names in the first cell of each row; that cell itself if it has none in backticks. In `_parent.readStart()`, `readStop()` the second is of the same holder. */
function fieldsOfRow(cell: string): string[] {
  const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => (name.startsWith('Symbol') ? name : name.replace(/\(.*\)$/, '()')));
  if (names.length === 0 || cell.startsWith('the ')) return [cell.replaceAll('`', '')];
  if (cell.startsWith('`_parent.getpeername')) return names.filter((name) => name !== 'Pipe');
  if (/^`(server|parser)` of a socket$/.test(cell)) return names.map((name) => `socket.${name}`);
  const holder = /^(.*\.)[^.]+$/.exec(names[0]!)?.[1] ?? '';
  return names.filter((name) => name !== 'freeSocketOnReadGuard' && name !== 'net.Socket' && name !== 'Duplex').map((name) => (known(name) || !known(holder + name) ? name : holder + name));
}

function known(field: string): boolean {
  return ASKED.includes(field) || field in UNASKED;
}

describe('the canary', () => {
  it('knows each row of the tables in src/node/, or why it can not be asked', () => {
    const rows = readdirSync(folder).filter((name) => name !== 'canary.ts').flatMap((name) =>
      [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^ \* \| (.*?) \| .* \|$/gm)].map(([, cell = '']) => cell).filter((cell) => cell !== 'field'));
    expect(rows.length).to.be.greaterThan(40);
    const unknown = rows.flatMap(fieldsOfRow).map((name) => (name.startsWith('the class of') ? 'the class of _parent' : name)).filter((name) => !known(name));
    expect(unknown).to.deep.equal([]);
  });

  it('says nothing on this Node: each assumption holds', async () => {
    const { warnings, wrong } = await runWithout('none', 'missing');
    expect(warnings).to.deep.equal([]);
    expect(wrong).to.deep.equal([]);
  });

  for (const [what, options] of Object.entries({ 'a Unix socket': { path: '/nobody/listens' }, 'an address': { port: 1, host: '127.0.0.1' }, 'a name': { port: 1, host: 'localhost' } })) {
    it(`says nothing of the first socket, if it is watched before it is connected: ${what}`, async () => {
      const program = `
        import tls from 'node:tls';
        import { watch } from ${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)};
        watch(tls.connect(${JSON.stringify(options)})).on('error', () => {});`;
      expect((await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stderr).to.equal('');
    });
  }
});
