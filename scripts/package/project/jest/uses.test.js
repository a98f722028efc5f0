// jest, as it comes: no configuration.
const { exchange, expected } = require('../exchange.cjs');
const uses = require('tls-graceful-shutdown');

test('closes both ways', async () => {
  expect(await exchange(uses)).toEqual(expected);
});

test('can be spied on', async () => {
  const spy = jest.spyOn(uses, 'getShutdown').mockReturnValue({ sent: 'open', received: 'fin' });
  expect(uses.getShutdown().received).toBe('fin');
  spy.mockRestore();
});
