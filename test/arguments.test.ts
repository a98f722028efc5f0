import { expect } from 'chai';
import net from 'node:net';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { getShutdown, getShutdownError, gracefulShutdown, shutdown, watch } from '../src/index.js';

const BAD_OPTIONS: [option: string, value: unknown, code: string, type: new () => Error][] = [
  ['bidirectional', 1, 'ERR_INVALID_ARG_TYPE', TypeError],
  ['quiet', 'yes', 'ERR_INVALID_ARG_TYPE', TypeError],
  ['timeout', '5', 'ERR_INVALID_ARG_TYPE', TypeError],
  ['timeout', null, 'ERR_INVALID_ARG_TYPE', TypeError],
  ['timeout', NaN, 'ERR_OUT_OF_RANGE', RangeError],
  ['timeout', -1, 'ERR_OUT_OF_RANGE', RangeError],
  ['timeout', 2 ** 31, 'ERR_OUT_OF_RANGE', RangeError],
  ['timeout', -Infinity, 'ERR_OUT_OF_RANGE', RangeError],
  ['unread', 'drop', 'ERR_INVALID_ARG_VALUE', TypeError],
  ['unread', true, 'ERR_INVALID_ARG_TYPE', TypeError],
  ['signal', {}, 'ERR_INVALID_ARG_TYPE', TypeError],
  ['signal', { [inspect.custom]: () => expect.fail('not to be called') }, 'ERR_INVALID_ARG_TYPE', TypeError],
];

async function rejection(call: () => Promise<unknown>): Promise<NodeJS.ErrnoException> {
  let promise: Promise<unknown> | undefined;
  expect(() => (promise = call()), 'threw synchronously').not.to.throw();
  return promise!.then(
    () => expect.fail('resolved'),
    (error: NodeJS.ErrnoException) => error,
  );
}

describe('bad input', () => {
  const socket = (): tls.TLSSocket => new tls.TLSSocket(new net.Socket());

  for (const call of [gracefulShutdown, shutdown]) {
    for (const [option, value, code, type] of BAD_OPTIONS) {
      it(`makes ${call.name} reject with ${code} and name options.${option} when it is ${String(value)}`, async () => {
        const error = await rejection(() => call(socket(), { [option]: value }));
        expect(error).to.be.instanceOf(type).with.property('code', code);
        expect(error.message).to.include(`options.${option}`);
      });
    }

    for (const value of [undefined, null, {}, new net.Socket()]) {
      it(`makes ${call.name} reject what is no TLSSocket: ${value?.constructor.name ?? value}`, async () => {
        const error = await rejection(() => call(value as tls.TLSSocket));
        expect(error).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
        expect(error.message).to.include('socket');
      });
    }

    for (const value of [null, 5, 'quiet']) {
      it(`makes ${call.name} reject options that are no object: ${value}`, async () => {
        expect(await rejection(() => call(socket(), value as unknown as object))).to.have.property('code', 'ERR_INVALID_ARG_TYPE');
      });
    }
  }

  for (const call of [getShutdown, getShutdownError, watch] as ((socket: never) => unknown)[]) {
    it(`makes ${call.name} throw synchronously for what is no TLSSocket`, () => {
      expect(() => call(new net.Socket() as never)).to.throw(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
    });
  }
});

describe('watch and getShutdown', () => {
  it('watch returns its argument and is idempotent, for a socket and a server', () => {
    const socket = new tls.TLSSocket(new net.Socket());
    const server = tls.createServer();
    expect(watch(watch(socket))).to.equal(socket);
    const { push } = socket;
    expect(watch(socket).push).to.equal(push);
    expect(watch(watch(server))).to.equal(server);
    expect(server.listenerCount('secureConnection')).to.equal(1);
  });

  it('getShutdown on a socket that nobody watches starts nothing', () => {
    const socket = new tls.TLSSocket(new net.Socket());
    const before = Reflect.ownKeys(socket);
    expect(getShutdown(socket)).to.deep.equal({ sent: 'open', received: 'open' });
    expect(getShutdownError(socket)).to.equal(undefined);
    expect(Reflect.ownKeys(socket)).to.deep.equal(before);
  });
});
