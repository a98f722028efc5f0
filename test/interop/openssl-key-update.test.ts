import { expect } from 'chai';
import { once } from 'node:events';
import { cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, close, readToEnd } from './support/ends.js';
import { KEY_UPDATE, KEY_UPDATE_AND_ASK_FOR_ONE, meet } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';
import { Relay } from './support/relay.js';

/** s_client and s_server end at our alert, so they can't be made to update between the two. */
describe('OpenSSL: a KeyUpdate before the alerts, TLSv1.3', () => {
  before(() => requirePrograms('openssl'));
  afterEach(cleanUp);

  for (const [command, what] of [[KEY_UPDATE, 'has updated its keys'], [KEY_UPDATE_AND_ASK_FOR_ONE, 'has updated its keys and asked for ours']] as const) {
    for (const role of ['server', 'client'] as const) {
      it(`1: we close after the ${role} ${what}`, async () => {
        const relay = new Relay(role);
        const { peer, socket } = await meet(role, 'TLSv1.3', [], (port) => relay.listen(port));
        const updated = relay.peerSends();
        peer.type(command);
        await updated; // what is typed behind a command, before it is read, is lost
        peer.type('data\n');
        expect(String((await once(socket, 'data'))[0])).to.equal('data\n');
        socket.resume();
        expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
        if (role === 'client') expect(await peer.exitStatus()).to.equal(0);
        else await peer.waitFor(/^DONE$/m);
        expect(peer.output).to.not.match(/error:[0-9A-F]{8}/);
      });
    }

    it(`1: the client ${what} and closes`, async () => {
      const { peer, socket } = await meet('client', 'TLSv1.3');
      peer.type(command);
      await peer.waitFor(/KEYUPDATE/);
      peer.type('Q\n');
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
      expect(await peer.exitStatus()).to.equal(0);
    });
  }
});
