/** A TCP relay between client and server: whoever sits on the path. It has no keys, but it can do all that an attacker could. */
import net from 'node:net';
import { Conditions } from './conditions.js';

export type Direction = 'toClient' | 'toServer';
export interface LoggedRecord {
  readonly direction: Direction;
  readonly type: number;
  readonly bytes: Buffer;
}

interface Lane {
  readonly to: net.Socket;
  /** What a test made of this lane: undefined passes everything on. */
  filter: ((chunk: Buffer) => Buffer | undefined) | undefined;
  passFin: boolean;
  pending: Buffer;
}

export class Relay {
  readonly server: net.Server;
  readonly records: LoggedRecord[] = [];
  readonly fins: Direction[] = [];
  #lanes: Record<Direction, Lane> | undefined;
  readonly #conditions = new Conditions();

  constructor(port: number) {
    // allowHalfOpen: otherwise the relay would itself forge a FIN as soon as one side is done.
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      this.#lanes = {
        toServer: { to: upstream, filter: undefined, passFin: true, pending: Buffer.alloc(0) },
        toClient: { to: client, filter: undefined, passFin: true, pending: Buffer.alloc(0) },
      };
      this.#carry(client, 'toServer');
      this.#carry(upstream, 'toClient');
    });
  }

  #lane(direction: Direction): Lane {
    if (this.#lanes === undefined) throw new Error('the relay is not connected');
    return this.#lanes[direction];
  }

  #carry(from: net.Socket, direction: Direction): void {
    from.on('data', (chunk: Buffer) => {
      const lane = this.#lane(direction);
      this.#log(lane, direction, chunk);
      const passed = lane.filter === undefined ? chunk : lane.filter(chunk);
      if (passed !== undefined && passed.length > 0 && lane.to.writable && !lane.to.write(passed)) {
        from.pause();
        lane.to.once('drain', () => from.resume());
      }
      this.#conditions.changed();
    });
    from.on('end', () => {
      this.fins.push(direction);
      if (this.#lane(direction).passFin) this.#lane(direction).to.end();
      this.#conditions.changed();
    });
    from.on('error', () => this.#lane(direction).to.destroy());
    from.on('close', (hadError) => {
      if (hadError) this.#lane(direction).to.destroy();
    });
  }

  #log(lane: Lane, direction: Direction, chunk: Buffer): void {
    lane.pending = lane.pending.length > 0 ? Buffer.concat([lane.pending, chunk]) : chunk;
    while (lane.pending.length >= 5) {
      const length = 5 + lane.pending.readUInt16BE(3);
      if (lane.pending.length < length) break;
      this.records.push({ direction, type: lane.pending[0]!, bytes: lane.pending.subarray(0, length) });
      lane.pending = lane.pending.subarray(length);
    }
  }

  /** Resolves as soon as `condition` holds; looks at every chunk and FIN that passes. */
  until(condition: () => boolean): Promise<void> {
    return this.#conditions.until(condition);
  }

  filter(direction: Direction, filter: ((chunk: Buffer) => Buffer | undefined) | undefined): void {
    this.#lane(direction).filter = filter;
  }

  /** Nothing passes any more in this direction, not even the FIN. */
  mute(direction: Direction): void {
    this.filter(direction, () => undefined);
    this.#lane(direction).passFin = false;
  }

  /** Keeps the FIN back, not the data. */
  holdFin(direction: Direction): void {
    this.#lane(direction).passFin = false;
  }

  inject(direction: Direction, bytes: Buffer): void {
    this.#lane(direction).to.write(bytes);
  }

  fin(direction: Direction): void {
    this.#lane(direction).to.end();
  }

  reset(direction: Direction): void {
    this.#lane(direction).to.resetAndDestroy();
  }

  /** Within the call, where `resetAndDestroy` ends the socket first. */
  resetNow(direction: Direction): void {
    const { to } = this.#lane(direction);
    (to as unknown as { _handle: { reset(done: () => void): void } })._handle.reset(() => to.destroy());
  }

  /** Stops reading what goes in this direction, so that the sender's buffers fill up. */
  stall(direction: Direction, stalled: boolean): void {
    const other = this.#lane(direction === 'toClient' ? 'toServer' : 'toClient').to;
    if (stalled) other.pause();
    else other.resume();
  }

  destroy(): void {
    if (this.#lanes === undefined) return;
    this.#lanes.toClient.to.destroy();
    this.#lanes.toServer.to.destroy();
  }
}
