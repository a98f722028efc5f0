/** OpenSSL's SSL_shutdown(3) and the library meet the same peers. What each of them returned is the table of docs/beside-openssl.md. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { Beside } from './beside/beside.js';
import { SECTIONS, type Section } from './beside/behaviours.js';
import { PAGE, Table } from './beside/table.js';
import { cleanUp } from './support/cleanup.js';
import { requirePrograms } from './support/programs.js';

const rows = readFileSync(PAGE, 'utf8').split('\n').filter((line) => Object.keys(SECTIONS).some((when) => line.startsWith(`| ${when} |`)));

function rowsOf(what: string): string[] {
  return rows.filter((row) => row.split(' | ')[1] === what);
}

describe('SSL_shutdown(3) beside the library, as docs/beside-openssl.md says', () => {
  let beside: Beside;
  let table: Table;

  before(() => {
    requirePrograms('gcc');
    beside = new Beside();
    table = new Table();
  });
  after(() => beside.stop());
  afterEach(cleanUp);

  for (const [when, behaviours] of Object.entries(SECTIONS) as [Section, (typeof SECTIONS)[Section]][]) {
    for (const behaviour of behaviours) {
      it(`${when}: ${behaviour.what}`, async () => {
        const lines = table.update(when, behaviour, await beside.measure(behaviour));
        expect(lines).to.deep.equal(table.linesInPage(when, behaviour));
      });
    }
  }

  it('the page has nothing else, says why wherever the two differ, and gives no reason that is not needed', () => {
    const page = readFileSync(PAGE, 'utf8');
    expect(table.page()).to.equal(page);
    expect(page).to.not.include(' ? |');
    for (const { what, why = [] } of Object.values(SECTIONS).flat()) {
      for (const reason of typeof why === 'string' ? [why] : Object.values(why)) expect(rowsOf(what).some((row) => row.endsWith(` | ${reason} |`)), what).to.equal(true);
    }
  });
});

describe('the behaviours of docs/beside-openssl.md', () => {
  it('have every case of test_shutdown, test_incorrect_shutdown and test_async_shutdown', () => {
    const named = rows.flatMap((row) => [...row.matchAll(/\((test_\w+)([ \d,]*)\)/g)].flatMap(([, name, numbers = '']) => numbers.split(',').map((number) => `${name} ${number.trim()}`.trim())));
    const cases = [...Array.from({ length: 7 }, (_, number) => `test_shutdown ${number}`), 'test_incorrect_shutdown 0', 'test_incorrect_shutdown 1', 'test_async_shutdown'];
    expect(named).to.include.members(cases);
  });

  it('are answered by 1 only if the peer has sent close_notify, or quietly', () => {
    const isClean = (word: string): boolean => /^((padded_)?close_notify|rest|alert \d 0)$/.test(word);
    for (const behaviour of Object.values(SECTIONS).flat()) {
      const { first = [], ours = [], answer = [], later = [], what } = behaviour;
      const script = [first, answer, ...later].flat(2);
      if (script.some(isClean) || [...ours, ...script].some((word) => /^(we )?quiet$/.test(word))) continue;
      for (const row of rowsOf(what)) expect(row.split(' | ').slice(5, 7).join(' '), row).to.not.match(/(?<!-)\b1\b/);
    }
  });

  it('lose nothing: behind a 1 of ours can be read what SSL_read has read', () => {
    const bytesIn = (cell = ''): number => [...cell.matchAll(/(\d+) bytes/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    const ended = rows.map((row) => row.split(' | ')).filter(([, , , , , steps = '']) => /(?<!-)\b1( \[.*\])?(;.*)?$/.test(steps));
    expect(ended.filter(([, , , , reading]) => bytesIn(reading) > 0)).to.have.length.greaterThan(8);
    for (const [, what, , , reading, steps] of ended) expect(bytesIn(steps), what).to.equal(bytesIn(reading));
  });
});
