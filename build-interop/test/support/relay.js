/** A TCP relay between client and server: whoever sits on the path. It has no keys, but it can do all that an attacker could. */
import net from 'node:net';
export class Relay {
    server;
    records = [];
    fins = [];
    #lanes;
    #watchers = new Set();
    constructor(port) {
        // allowHalfOpen: otherwise the relay would itself forge a FIN as soon as one side is done.
        this.server = net.createServer({ allowHalfOpen: true }, (client) => {
            const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
            this.#lanes = {
                toServer: { to: upstream, filter: undefined, passFin: true, pending: Buffer.alloc(0) },
                toClient: { to: client, filter: undefined, passFin: true, pending: Buffer.alloc(0) },
            };
            this.#carry(client, 'toServer');
            this.#carry(upstream, 'toClient');
        });
    }
    #lane(direction) {
        if (this.#lanes === undefined)
            throw new Error('the relay is not connected');
        return this.#lanes[direction];
    }
    #carry(from, direction) {
        from.on('data', (chunk) => {
            const lane = this.#lane(direction);
            this.#log(lane, direction, chunk);
            const passed = lane.filter === undefined ? chunk : lane.filter(chunk);
            if (passed !== undefined && passed.length > 0 && lane.to.writable && !lane.to.write(passed)) {
                from.pause();
                lane.to.once('drain', () => from.resume());
            }
            this.#notify();
        });
        from.on('end', () => {
            this.fins.push(direction);
            if (this.#lane(direction).passFin)
                this.#lane(direction).to.end();
            this.#notify();
        });
        from.on('error', () => this.#lane(direction).to.destroy());
        from.on('close', (hadError) => {
            if (hadError)
                this.#lane(direction).to.destroy();
        });
    }
    #log(lane, direction, chunk) {
        lane.pending = lane.pending.length > 0 ? Buffer.concat([lane.pending, chunk]) : chunk;
        while (lane.pending.length >= 5) {
            const length = 5 + lane.pending.readUInt16BE(3);
            if (lane.pending.length < length)
                break;
            this.records.push({ direction, type: lane.pending[0], bytes: lane.pending.subarray(0, length) });
            lane.pending = lane.pending.subarray(length);
        }
    }
    #notify() {
        for (const watcher of this.#watchers)
            watcher();
    }
    /** Resolves as soon as `condition` holds; looks at every chunk and FIN that passes. */
    async until(condition) {
        if (condition())
            return;
        await new Promise((resolve) => {
            const watcher = () => {
                if (!condition())
                    return;
                this.#watchers.delete(watcher);
                resolve();
            };
            this.#watchers.add(watcher);
        });
    }
    filter(direction, filter) {
        this.#lane(direction).filter = filter;
    }
    /** Nothing passes any more in this direction, not even the FIN. */
    mute(direction) {
        this.filter(direction, () => undefined);
        this.#lane(direction).passFin = false;
    }
    /** Keeps the FIN back, not the data. */
    holdFin(direction) {
        this.#lane(direction).passFin = false;
    }
    inject(direction, bytes) {
        this.#lane(direction).to.write(bytes);
    }
    fin(direction) {
        this.#lane(direction).to.end();
    }
    reset(direction) {
        this.#lane(direction).to.resetAndDestroy();
    }
    /** Stops reading what goes in this direction, so that the sender's buffers fill up. */
    stall(direction, stalled) {
        const other = this.#lane(direction === 'toClient' ? 'toServer' : 'toClient').to;
        if (stalled)
            other.pause();
        else
            other.resume();
    }
    destroy() {
        if (this.#lanes === undefined)
            return;
        this.#lanes.toClient.to.destroy();
        this.#lanes.toServer.to.destroy();
    }
}
