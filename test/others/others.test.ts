/** What other projects check of their own closes, checked of ours. docs/others-tests.md has a row for each. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { PROJECTS } from './projects.js';
import { oursAt, placesOf } from './row.js';
import { PAGE, page } from './table.js';

for (const { name, rows } of PROJECTS) {
  describe(`as ${name} checks it`, () => {
    for (const row of rows) {
      for (const place of placesOf(row)) {
        it(`${oursAt(row, place)}, ${place.version} as ${place.side}: ${row.test}`, async () => {
          expect((await row.run(place)).join('; ')).to.equal(oursAt(row, place));
        });
      }
    }
  });
}

describe('docs/others-tests.md', () => {
  it('is what the tests assert', () => {
    expect(readFileSync(PAGE, 'utf8'), 'npm run others makes it anew').to.equal(page());
  });

  it('has each case once, says all of it, and breaks no cell', () => {
    for (const { rows } of PROJECTS) {
      expect(new Set(rows.map(({ test }) => test)).size).to.equal(rows.length);
      for (const { test, checks, theirs, why } of rows) {
        for (const cell of [test, checks, theirs, why ?? '-']) expect(cell, test).to.match(/^[^|\n]+$/);
        expect(checks, test).to.match(/\.\)?$/);
      }
    }
  });
});
