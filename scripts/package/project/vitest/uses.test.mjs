// vitest.
import { expect, test, vi } from 'vitest';
import * as uses from 'tls-graceful-shutdown';
import { exchange, expected } from '../exchange.cjs';

test('closes both ways', async () => {
  expect(await exchange(uses)).toEqual(expected);
});

test('can be mocked', async () => {
  vi.doMock('tls-graceful-shutdown', () => ({ watch: () => 'mocked' }));
  expect((await import('tls-graceful-shutdown')).watch()).toBe('mocked');
});
