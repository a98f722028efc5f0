/**
 * Peers that we wrote ourselves on somebody's TLS library: one program each, with the arguments ROLE VERSION PORT PLAN COUNT KEY CERT.
 *
 * The plan says when and how the peer closes, COUNT connections one after the other:
 *
 * - `second...`: it reads to the end of our data, says what ended it, then closes.
 * - `first...`: it waits for a byte of ours, then closes. With `at-once` it does not wait, with `data` it sends four bytes before.
 *   `...-half`, `...-unwrap`, `...-fin`: it closes its sending side only (`fin`: TCP's, without an alert), then reads on and says what it saw.
 */
import { expect } from 'chai';
import { cleanUp } from './cleanup.js';
import { CERT_FILE, close, connect, inWords, KEY_FILE, listen, ONE_STEP, readToEnd, VERSIONS } from './ends.js';
function titleOf(outcome, { peer, times = 1 }, inSteps) {
    return `${inSteps ? '0, then ' : ''}${inWords(outcome)}: the peer ${peer}${times === 1 ? '' : `, ${times} times`}`;
}
/** Every case with the peer as a client and as a server, on both versions of TLS, and where we close first also one step a call. */
export function itAgreesWith(name, start, cases) {
    for (const version of VERSIONS) {
        for (const role of ['server', 'client']) {
            describe(`${name} as the ${role}, ${version}`, () => {
                afterEach(cleanUp);
                for (const one of cases) {
                    const outcome = typeof one.ours === 'function' ? one.ours(version) : one.ours;
                    for (const inSteps of one.plan.startsWith('second') ? [false, true] : [false]) {
                        it(titleOf(outcome, one, inSteps), () => run(start, role, version, one, outcome, inSteps));
                    }
                }
            });
        }
    }
}
async function run(start, role, version, { plan, saw, times = 1 }, outcome, inSteps) {
    const { peer, next } = await meet(start, role, version, plan, times);
    for (let i = 0; i < times; i++) {
        const socket = await next();
        if (plan.startsWith('second')) {
            socket.resume();
            socket.write('data');
            await peer.waitFor(/^connected/m);
            if (inSteps)
                expect(await close(socket)).to.deep.equal(ONE_STEP);
        }
        else {
            if (!plan.includes('at-once'))
                socket.write('!');
            expect(await readToEnd(socket)).to.equal(plan.includes('data') ? 'data' : '');
        }
        expect(await close(socket, { bidirectional: !inSteps })).to.deep.equal(outcome);
        if (saw !== undefined)
            expect((await peer.waitFor(/^saw (.*?)\r?\n/m))[1]).to.equal(saw);
        await peer.waitFor(/^closed/m);
    }
    expect(await peer.exitStatus()).to.equal(0);
}
async function meet(start, role, version, plan, times) {
    const rest = [plan, String(times), KEY_FILE, CERT_FILE];
    if (role === 'server') {
        const peer = start([role, version, '0', ...rest]);
        const port = Number((await peer.waitFor(/^listening (\d+)\s/m))[1]);
        return { peer, next: () => connect(port, version) };
    }
    const { port, accept } = await listen(version);
    return { peer: start([role, version, String(port), ...rest]), next: accept };
}
