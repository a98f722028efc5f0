/** Methods that a tool for monitoring has defined on a socket, by a getter or as such that can't be assigned to: ours go in front of them, and call them. */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { WAYS, define } from '../support/defined-methods.js';
import { SIDES, VERSIONS, closed, makePair, readAll } from '../support/pair.js';

for (const way of Object.keys(WAYS)) {
  for (const side of SIDES) {
    for (const version of VERSIONS) {
      it(`a shutdown is whole, and calls push, _final and _destroy, where each is ${way}, ${version} as ${side}`, async () => {
        const { ours, peer } = await makePair({ version, side });
        const counts = ['push', '_final', '_destroy', '_tlsError'].map((name) => define(ours, name, way));
        peer.resume().on('end', () => peer.end());
        const read = readAll(ours);
        const over = closed(ours);
        peer.write('hello');
        expect(await gracefulShutdown(watch(ours), { bidirectional: true })).to.equal(1);
        expect(String(await read)).to.equal('hello');
        await over;
        expect(counts.map((calls) => calls())).to.deep.equal([2, 1, 1, 0]);
      });
    }
  }

  it(`a quiet shutdown destroys a socket whose destroy is ${way}`, async () => {
    const { ours, peer } = await makePair({ version: 'TLSv1.3', side: 'client' });
    const calls = define(ours, 'destroy', way);
    peer.resume().on('end', () => peer.end());
    expect(await gracefulShutdown(ours, { quiet: true })).to.equal(1);
    expect(ours.destroyed).to.equal(true);
    expect(calls()).to.be.greaterThan(0);
  });
}

const look = (socket: TLSSocket): unknown => [Reflect.ownKeys(socket), socket.eventNames().map((name) => socket.listenerCount(name))];

for (const name of ['push', '_final', '_destroy', '_tlsError']) {
  it(`a socket whose ${name} nobody can replace is refused, and left as it was`, async () => {
    const { ours } = await makePair({ version: 'TLSv1.3', side: 'client' });
    Object.defineProperty(ours, name, { value: ours[name as 'push'], writable: false, configurable: false });
    const before = look(ours);
    expect(() => watch(ours)).to.throw(TypeError, `socket must be one whose ${name} can be replaced`).with.property('code', 'ERR_INVALID_ARG_VALUE');
    const error = await shutdown(ours).catch((thrown: unknown) => thrown);
    expect(error).to.be.an.instanceof(TypeError).with.property('code', 'ERR_INVALID_ARG_VALUE');
    expect(look(ours)).to.deep.equal(before);
  });
}
