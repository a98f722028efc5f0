/** docs/how-it-works.md draws the state machine as it is. */
import { expect } from 'chai';
import { OURS, PEERS, seen } from '../../src/closure/closure.js';
import { blocksOf, tableOf } from '../support/pages.js';

const PAGE = 'docs/how-it-works.md';

describe(PAGE, () => {
  it('draws the state machine as it is', () => {
    const drawn: Record<string, Record<string, Record<string, string>>> = {};
    let half = '';
    for (const line of blocksOf(PAGE)[0]!.code.split('\n')) {
      const [, heading] = /^(\w+)$/.exec(line) ?? [];
      const [, from = '', event = '', to = ''] = /^ {2}(\w+) ─+ (\w+) ─+▶ (\w+)/.exec(line) ?? [];
      if (heading !== undefined) drawn[(half = heading)] = {};
      else if (line !== '') (drawn[half]![from] ??= {})[event] = to;
    }
    const transitions = (table: object) => Object.fromEntries(Object.entries(table).filter(([, events]) => Object.keys(events as object).length > 0));
    expect(drawn).to.deep.equal({ ours: transitions(OURS), peer: transitions(PEERS) });
  });

  it('says which states callers see under another name', () => {
    let half = '';
    const said = tableOf(PAGE, 'half').flatMap(([first, name = '', states = '']) => {
      half = first || half;
      return states.split(', ').map((state) => `${half} ${state} ${name.replaceAll("'", '')}`);
    });
    const ours = Object.keys(OURS) as (keyof typeof OURS)[];
    const peers = Object.keys(PEERS) as (keyof typeof PEERS)[];
    const inCode = [...ours.map((state) => `ours ${state} ${seen(state, 'open').sent}`), ...peers.map((state) => `peer ${state} ${seen('open', state).received}`)];
    const isPlain = (line: string): boolean => line.split(' ')[1] === line.split(' ')[2];
    expect(said.filter((line) => !isPlain(line)).sort()).to.deep.equal(inCode.filter((line) => !isPlain(line)).sort());
    expect(inCode).to.include.members(said);
  });
});
