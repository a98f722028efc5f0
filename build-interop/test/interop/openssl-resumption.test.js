import { expect } from 'chai';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, close, connect, listen, VERSIONS } from './support/ends.js';
import { startClient, startServer } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';
const WAYS = [
    ['both alerts', 1, { bidirectional: true }],
    ['one step', 0, {}],
    ['a quiet close', 1, { quiet: true }],
];
describe('OpenSSL: resumption of the session', () => {
    before(() => requirePrograms('openssl'));
    afterEach(cleanUp);
    for (const version of VERSIONS) {
        for (const [how, value, options] of WAYS) {
            it(`s_server resumes our session after ${how}, ${version}`, async () => {
                const { port } = await startServer();
                const first = await connect(port, version);
                first.resume();
                const session = version === 'TLSv1.3' ? (await once(first, 'session'))[0] : first.getSession();
                expect((await close(first, options))[0]).to.equal(value);
                const second = await connect(port, version, { session });
                expect(second.isSessionReused()).to.equal(true);
                expect(await close(second.resume(), { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
            });
            it(`s_client resumes its session with us after ${how}, ${version}`, async () => {
                const folder = mkdtempSync(join(tmpdir(), 'interop-session-'));
                afterThisTest(() => rmSync(folder, { recursive: true }));
                const file = join(folder, 'session.pem');
                const { port, accept } = await listen(version);
                const saving = startClient(port, '-sess_out', file);
                const first = (await accept()).resume();
                first.write('data\n');
                await saving.waitFor(/^data$/m); // so it has read the tickets, which came before
                expect((await close(first, options))[0]).to.equal(value);
                await saving.exitStatus();
                const resuming = startClient(port, '-sess_in', file);
                const second = (await accept()).resume();
                await resuming.waitFor(/^Reused, TLSv1/m);
                expect(second.isSessionReused()).to.equal(true);
                expect(await close(second, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
                expect(await resuming.exitStatus()).to.equal(0);
            });
        }
    }
});
