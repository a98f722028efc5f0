/** A TCP relay that can stop what the peer sends at a moment that no clock could hit. */
import { once } from 'node:events';
import net, {} from 'node:net';
import { afterThisTest } from './cleanup.js';
export class Relay {
    /** How many more chunks of the peer's side pass. */
    #passes = Infinity;
    #held = [];
    #fromUs;
    #fromPeer;
    #peer;
    constructor(peer) {
        this.#peer = peer;
    }
    /** Listens, and connects whoever comes with `port`. */
    async listen(port) {
        const server = net.createServer((client) => {
            const upstream = net.connect(port, '127.0.0.1');
            for (const socket of [client, upstream]) {
                afterThisTest(() => socket.destroy());
                socket.setNoDelay(true).on('error', () => { });
            }
            this.#forward(client, upstream, this.#peer === 'client');
            this.#forward(upstream, client, this.#peer === 'server');
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        afterThisTest(() => void server.close());
        return server.address().port;
    }
    #forward(from, to, isPeer) {
        const pass = (send) => {
            if (!isPeer) {
                send();
                this.#fromUs?.();
            }
            else if (this.#passes-- > 0) {
                send();
                this.#fromPeer?.();
            }
            else {
                this.#held.push(send);
            }
        };
        from.on('data', (chunk) => pass(() => to.write(chunk))).on('end', () => pass(() => to.end()));
    }
    /** Resolves when the peer has sent something. */
    peerSends() {
        return new Promise((resolve) => (this.#fromPeer = resolve));
    }
    /** Lets `chunks` more of the peer's pass, then no more, until `release`. Resolves when we have sent something after that. */
    hold(chunks) {
        this.#passes = chunks;
        return new Promise((resolve) => (this.#fromUs = resolve));
    }
    release() {
        this.#passes = Infinity;
        for (const send of this.#held.splice(0))
            send();
    }
}
