import { expect } from 'chai';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { gracefulShutdown, type ShutdownMessage } from '../../src/index.js';
import { makePair } from '../support/pair.js';

it('publishes one message for each shutdown that ended, with its socket and result', async () => {
  const messages: ShutdownMessage[] = [];
  const onMessage = (message: unknown): void => void messages.push(message as ShutdownMessage);
  subscribe('tls-graceful-shutdown:shutdown', onMessage);
  try {
    const { ours, peer } = await makePair({ version: 'TLSv1.3', side: 'client' });
    expect(await gracefulShutdown(ours)).to.equal(0);
    expect(await gracefulShutdown(ours, { timeout: 0 })).to.equal(-1);
    peer.end();
    expect(await gracefulShutdown(ours)).to.equal(1);
    expect(messages.map(({ value, error }) => [value, error?.code])).to.deep.equal([
      [0, undefined],
      [-1, 'ERR_TLS_SHUTDOWN_TIMEOUT'],
      [1, undefined],
    ]);
    for (const { socket } of messages) expect(socket).to.equal(ours);
    expect(messages[2]!.state).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
  } finally {
    unsubscribe('tls-graceful-shutdown:shutdown', onMessage);
  }
});

it('publishes one message also for a quiet shutdown that ends by its time-out, which destroys the socket', async () => {
  const messages: ShutdownMessage[] = [];
  const onMessage = (message: unknown): void => void messages.push(message as ShutdownMessage);
  subscribe('tls-graceful-shutdown:shutdown', onMessage);
  try {
    const { ours } = await makePair({ version: 'TLSv1.3', side: 'client' });
    expect(await gracefulShutdown(ours, { quiet: true, timeout: 30 })).to.equal(1);
    expect(messages.map(({ value }) => value)).to.deep.equal([1]);
  } finally {
    unsubscribe('tls-graceful-shutdown:shutdown', onMessage);
  }
});
