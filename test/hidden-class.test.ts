import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { keepHiddenClass } from '../src/hidden-class.js';
import { collect } from './support/gc.js';

/** In a function of its own: no local variable may hold one. */
function close(count: number): WeakRef<object>[] {
  return Array.from({ length: count }, () => {
    const socket = {} as TLSSocket;
    keepHiddenClass(socket);
    return new WeakRef<object>(socket);
  });
}

const alive = (refs: readonly WeakRef<object>[]): number => refs.filter((ref) => ref.deref() !== undefined).length;

it('keeps one of 64 closed sockets, of many the latest, and lets it go after 32 collections', async () => {
  const earlier = close(64);
  await collect(() => alive(earlier) <= 1);
  expect(alive(earlier)).to.equal(1);

  const later = close(640);
  await collect(() => alive(later) <= 1 && alive(earlier) === 0);
  expect([alive(earlier), alive(later)]).to.deep.equal([0, 1]);

  await collect();
  await collect(() => alive(later) === 0);
  expect(alive(later)).to.equal(0);
});
