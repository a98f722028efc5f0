import { expect } from 'chai';
import { once } from 'node:events';
import { cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, close } from './support/ends.js';
import { meet, RENEGOTIATE } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';
import { Relay } from './support/relay.js';
describe('OpenSSL: a renegotiation, TLSv1.2', () => {
    before(() => requirePrograms('openssl'));
    afterEach(cleanUp);
    for (const role of ['server', 'client']) {
        it(`1: the ${role} has renegotiated`, async () => {
            const { peer, socket } = await meet(role, 'TLSv1.2');
            const renegotiated = once(socket, 'secure');
            peer.type(RENEGOTIATE[role]);
            await renegotiated;
            peer.type('data\n');
            expect(String((await once(socket, 'data'))[0])).to.equal('data\n');
            socket.resume();
            expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
            if (role === 'client')
                expect(await peer.exitStatus()).to.equal(0);
        });
        it(`-1 (ERR_TLS_SHUTDOWN_NOT_SENT): the ${role} has begun to renegotiate and does not go on`, async () => {
            const relay = new Relay(role);
            const { peer, socket } = await meet(role, 'TLSv1.2', [], (port) => relay.listen(port));
            socket.resume();
            const answered = relay.hold(1); // the HelloRequest, or the ClientHello
            peer.type(RENEGOTIATE[role]);
            await answered;
            const [value, sent, , code] = await close(socket, { bidirectional: true });
            expect([value, sent, code]).to.deep.equal([-1, 'lost', 'ERR_TLS_SHUTDOWN_NOT_SENT']);
            relay.release();
        });
    }
});
