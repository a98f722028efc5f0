/** A listener of the application's that throws keeps no drain waiting, and reaches the process as without us. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import { drainSockets } from '../../src/index.js';
import { COMPLETE, outcome } from '../support/origins.js';
import { listen, makePair, track } from '../support/pair.js';
import { uncaught } from '../support/uncaught.js';

for (const event of ['end', 'finish', 'close']) {
  for (const finish of [undefined, () => {}]) {
    const title = finish === undefined ? '' : ', behind a goodbye';
    const thrower = (): never => {
      throw new Error('own');
    };

    it(`a drain of a plain socket is complete where '${event}' throws${title}`, async () => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => void socket.resume().on('end', () => socket.end()));
      const socket = track(net.connect({ port: await listen(server), host: '127.0.0.1' }));
      await once(socket, 'connect');
      socket.resume().once(event, thrower);
      const heard = uncaught(1);
      expect(outcome(await drainSockets([socket], finish && { finish }))).to.deep.equal(COMPLETE);
      expect(String(await heard)).to.equal('Error: own');
    });

    it(`a drain of a TLS socket is complete where '${event}' throws${title}`, async () => {
      const { ours, peer } = await makePair({ version: 'TLSv1.3', side: 'client' });
      peer.resume().on('end', () => peer.end());
      ours.resume().once(event, thrower);
      const heard = uncaught(1);
      expect(outcome(await drainSockets([ours], finish && { finish }))).to.deep.equal(COMPLETE);
      expect(String(await heard)).to.equal('Error: own');
    });
  }
}
