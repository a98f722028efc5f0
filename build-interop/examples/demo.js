/**
 * Four ways to close one TLS connection, each drawn from what a relay between client and server really saw. TLS 1.2, where the type of a
 * record is readable on the wire (in 1.3 an alert looks like data). Exits with 1 if any value is not the one that was to be shown.
 */
import { once } from 'node:events';
import tls from 'node:tls';
import { inspect, isDeepStrictEqual } from 'node:util';
import { getShutdown, getShutdownError, gracefulShutdown, watch } from 'tls-graceful-shutdown';
import { ladder } from './support/ladder.js';
import { certificate, listen } from './support/local.js';
import { Relay } from './support/relay.js';
const identity = await certificate();
const wrong = [];
/** One connection, client to relay to server, and the story of it. */
class Scene {
    story = [];
    #server;
    client;
    peer;
    relay;
    constructor(serverOptions = {}) {
        this.#server = watch(tls.createServer({ ...identity, maxVersion: 'TLSv1.2', ...serverOptions }));
    }
    /** `forgeFinAfter`: so many data records of the server the relay lets through; 0 for all. */
    async open(forgeFinAfter = 0) {
        this.relay = new Relay({ port: await listen(this.#server), forgeFinAfter });
        this.relay.on('sight', (sight) => this.story.push(sight));
        this.client = watch(tls.connect({ port: await listen(this.relay.server), host: '127.0.0.1', servername: 'localhost', ca: identity.cert }));
        [[this.peer]] = (await Promise.all([once(this.#server, 'secureConnection'), once(this.client, 'secureConnect')]));
    }
    /** Calls the library for the client; the note is written once the relay has seen `last`, so that it stands below what the call caused. */
    async shutdown(options, expected, last) {
        const value = await gracefulShutdown(this.client, options);
        const code = getShutdownError(this.client)?.code;
        await this.relay.seen(...last);
        const shown = Object.keys(options).length > 0 ? `socket, ${inspect(options)}` : 'socket';
        this.note('client', `gracefulShutdown(${shown}) = ${value}`);
        if (code !== undefined)
            this.note('client', `  ${code}`);
        this.expect('value and code', [value, code], [expected[0], expected[1]]);
    }
    note(at, says) {
        this.story.push({ at, says });
    }
    expect(what, actual, expected) {
        if (!isDeepStrictEqual(actual, expected))
            wrong.push(`${what}: ${inspect(actual)} in place of ${inspect(expected)}`);
    }
    expectAlerts(client, server) {
        this.expect('alerts on the wire', [this.relay.count('client', 'alert'), this.relay.count('server', 'alert')], [client, server]);
    }
    async end(title) {
        await Promise.all([this.client, this.peer].map((socket) => socket.closed || once(socket, 'close')));
        this.relay.server.close();
        this.#server.close();
        console.log(`${title}\n\n${ladder(this.story)}`);
    }
}
async function twoWay() {
    const scene = new Scene();
    await scene.open();
    scene.client.resume().write('the whole request');
    scene.peer.resume();
    await scene.shutdown({ bidirectional: true }, [1], ['server', 'FIN']);
    scene.expectAlerts(1, 1);
    await scene.end('(a) Both steps in one call: each side sent its alert, and saw the other one.');
}
async function oneWay() {
    const scene = new Scene({ allowHalfOpen: true });
    await scene.open();
    const { client, peer } = scene;
    peer.resume();
    await scene.shutdown({}, [0], ['client', 'FIN']);
    scene.note('client', `  ${inspect(getShutdown(client))}`);
    const heard = once(client, 'data');
    peer.write('last words');
    scene.note('client', `data still comes: ${String((await heard)[0])}`);
    peer.end();
    await scene.shutdown({}, [1], ['server', 'FIN']);
    scene.expectAlerts(1, 1);
    await scene.end('(b) One step a call, as SSL_shutdown(3): 0, and after the second step 1.');
}
async function truncated() {
    const scene = new Scene();
    await scene.open(1);
    const { client, peer } = scene;
    peer.resume();
    peer.write('Pay 100 dollars');
    peer.end(' less than last year');
    const data = once(client, 'data').then(([chunk]) => String(chunk));
    await once(client, 'end');
    scene.note('client', `'end' after ${inspect(await data)}: Node alone sees no difference`);
    await scene.shutdown({ bidirectional: true }, [-1, 'ERR_TLS_SHUTDOWN_TRUNCATED'], ['client', 'FIN']);
    await scene.end('(c) A forged FIN cuts the answer: -1, although Node reports a normal end.');
}
async function quiet() {
    const scene = new Scene();
    await scene.open();
    const { client, peer } = scene;
    const heard = [];
    peer.on('data', (chunk) => heard.push(chunk));
    client.write('the whole request');
    await scene.shutdown({ quiet: true }, [1], ['server', 'FIN']);
    const { received } = getShutdown(peer);
    scene.note('server', `received ${inspect(String(Buffer.concat(heard)))}`);
    scene.note('server', `getShutdown(socket).received = '${received}'`);
    scene.expect('what was delivered', String(Buffer.concat(heard)), 'the whole request');
    scene.expect('what the peer of a quiet shutdown sees', received, 'fin');
    scene.expectAlerts(0, 1);
    await scene.end('(d) Quiet: all data is delivered, but the peer sees a truncation.');
}
setTimeout(() => {
    console.error('The demo hangs.');
    process.exit(1);
}, 20_000).unref();
for (const scene of [twoWay, oneWay, truncated, quiet])
    await scene();
for (const line of wrong)
    console.error(`NOT AS EXPECTED: ${line}`);
console.log(wrong.length === 0 ? 'Every value is as it should be.' : `${wrong.length} values are wrong.`);
process.exitCode = wrong.length === 0 ? 0 : 1;
