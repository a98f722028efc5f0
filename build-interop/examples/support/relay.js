/**
 * A TCP relay that logs the TLS records it passes on. It stands where an attacker on the path would: it has no keys, so it can read the
 * record headers only, but it can forge a FIN.
 */
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
const RECORD_HEADER = 5;
const APPLICATION_DATA = 23;
const RECORD_TYPES = { 20: 'handshake', 21: 'alert', 22: 'handshake', [APPLICATION_DATA]: 'application data' };
export class Relay extends EventEmitter {
    sights = [];
    #options;
    /** Without `allowHalfOpen` Node would answer every FIN with one of its own: the relay would forge by itself. */
    server = net.createServer({ allowHalfOpen: true }, (client) => this.#join(client));
    constructor(options) {
        super();
        this.#options = options;
    }
    /** Resolves when `what` of `from` is in the log, at once if it is there already. */
    async seen(from, what) {
        while (!this.sights.some((sight) => sight.from === from && sight.what === what))
            await once(this, 'sight');
    }
    /** How many records of that type came from that side. */
    count(from, type) {
        return this.sights.filter((sight) => sight.from === from && sight.what.startsWith(type)).length;
    }
    #join(client) {
        const server = net.connect({ port: this.#options.port, host: '127.0.0.1', allowHalfOpen: true });
        this.#pass('client', client, server);
        this.#pass('server', server, client);
    }
    #see(from, what, fate) {
        const sight = { from, what, fate };
        this.sights.push(sight);
        this.emit('sight', sight);
    }
    #pass(from, source, target) {
        const fate = () => (target.writableEnded ? 'dropped' : 'passed');
        let pending = Buffer.alloc(0);
        let dataRecords = 0;
        source.on('data', (chunk) => {
            pending = Buffer.concat([pending, chunk]);
            for (let record = takeRecord(pending); record !== undefined; record = takeRecord(pending)) {
                pending = pending.subarray(record.length);
                this.#see(from, `${RECORD_TYPES[record[0]] ?? 'unknown'}, ${record.length} bytes`, fate());
                if (!target.writableEnded)
                    target.write(record);
                if (from !== 'server' || record[0] !== APPLICATION_DATA || ++dataRecords !== this.#options.forgeFinAfter)
                    continue;
                this.#see(from, 'FIN forged by the relay', 'forged');
                target.end();
            }
        });
        source.on('end', () => {
            this.#see(from, 'FIN', fate());
            target.end();
        });
        source.on('error', (error) => {
            this.#see(from, error.code ?? error.message, fate());
            target.destroy();
        });
    }
}
/** The first whole record of `bytes`; `undefined` if it has not come whole. */
function takeRecord(bytes) {
    if (bytes.length < RECORD_HEADER)
        return undefined;
    const end = RECORD_HEADER + bytes.readUInt16BE(3);
    return bytes.length < end ? undefined : bytes.subarray(0, end);
}
