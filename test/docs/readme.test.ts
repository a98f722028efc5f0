/** The README is short, has its recipes on the first screen, and compares by figures that docs/measured.md has. */
import { expect } from 'chai';
import { blocksOf, tableOf, text } from '../support/pages.js';

const README = 'README.md';
const lines = text(README).split('\n');

describe('README.md', () => {
  it('has fewer than 200 lines', () => expect(lines.length).to.be.below(200));

  it('has three programs that run on the first screen', () => {
    const screen = lines.slice(0, 50).join('\n');
    const programs = blocksOf(README).filter(({ mode, code }) => mode === '' && screen.includes(code));
    expect(programs).to.have.length(3);
    for (const [i, name] of ['drainOnSignal(', 'gracefulShutdown(', 'unwrap('].entries()) expect(programs[i]!.code).to.include(name);
  });

  it('says the three values', () => expect(tableOf(README, 'value').map(([value]) => value)).to.deep.equal(['1', '0', '-1']));

  it('has the two commands', () => expect(lines).to.include.members(['npm ci && npm run demo', 'npm ci && npm test']));

  /** By the first cell, which may say more than the name. */
  const rowsOf = (firstHeading: string, name: string): string[][] => tableOf('docs/measured.md', firstHeading).filter(([cell = '']) => cell === name || cell.startsWith(`${name},`));
  const number = (cell = ''): number => Number(cell.replace(/[,–]/g, '').replace(/ .*/, ''));

  for (const [way = '', lost, clean, inFlight] of tableOf(README, 'closed by')) {
    it(`compares by the figures of docs/measured.md: ${way}`, () => {
      const restarts = rowsOf('way', way).map((row) => row.map(number));
      expect(restarts, 'direct, through nginx and through HAProxy').to.have.length(3);
      const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
      const failed = sum(restarts.map((row) => sum(row.slice(3, 10))));
      expect(lost).to.equal(`${failed} of ${sum(restarts.map(([, , requests = 0]) => requests)).toLocaleString('en')}`);
      const [closing = []] = rowsOf('closed by', way.startsWith('drainOnSignal') ? 'drainable(server).drain()' : way);
      expect([number(clean), number(inFlight)]).to.deep.equal([closing[5], closing[9]].map(number));
    });
  }

  it('has the versions of Node that package.json has', () => {
    const { engines } = JSON.parse(text('package.json')) as { engines: { node: string } };
    const [, oldest, next] = /\^([\d.]+)\.0 \|\| >=([\d.]+)\.0/.exec(engines.node) ?? [];
    expect(text(README)).to.include(`Node ${oldest}, ${next} or later`);
  });
});
