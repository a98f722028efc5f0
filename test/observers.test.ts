import { expect } from 'chai';
import { Observed, type Observer } from '../src/observers.js';

describe('observers of a watch', () => {
  const observed = (): { list: Observed; told: string[]; make: (name: string, onChange?: () => void) => Observer } => {
    const told: string[] = [];
    return { list: new Observed(), told, make: (name, onChange) => ({ next: undefined, onChange: () => (told.push(name), onChange?.()) }) };
  };

  for (const gone of ['a', 'b', 'c']) {
    it(`are told in the order of their coming, but not ${gone}, which has left`, () => {
      const { list, told, make } = observed();
      const all = ['a', 'b', 'c'].map((name) => make(name));
      for (const observer of all) list.addObserver(observer);
      list.removeObserver(all['abc'.indexOf(gone)]!);
      list.addObserver(make('d'));
      list.tellObservers();
      expect(told.join('')).to.equal('abcd'.replace(gone, ''));
    });
  }

  it('are all told when each leaves as it is told', () => {
    const { list, told, make } = observed();
    const all: Observer[] = ['a', 'b', 'c'].map((name, i) => make(name, () => list.removeObserver(all[i]!)));
    for (const observer of all) list.addObserver(observer);
    list.tellObservers();
    list.tellObservers();
    expect(told.join('')).to.equal('abc');
  });
});
