/**
 * A peer behind somebody on the path who understands TLS records: an honest TLS endpoint of plain Node, and between it and the line a script of
 * faults in both directions. What was sent and delivered is in the log of each lane, opened with the peer's keys: it knows nothing of this package.
 */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { Lane } from './fault-lane.js';
import type { Fault, LaneName } from './faults.js';
import type { Far } from './lines.js';
import type { Side } from './pair.js';
import { directionsOf, type Directions } from './sealing.js';
import { contextOf, type Session, type Suite } from './suites.js';

type Callback = (error?: Error | null) => void;

/** What the honest endpoint takes for its transport. */
class Plug extends Duplex {
  onSent: (chunk: Buffer) => void = () => {};
  onFin: () => void = () => {};

  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => {}); // a reset
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.onSent(chunk);
    callback();
  }

  override _final(callback: Callback): void {
    this.onFin();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.onFin();
    callback(error);
  }
}


export class FaultProxy implements Far {
  readonly line: Duplex;
  /** The honest one. */
  readonly peer: TLSSocket;
  readonly handshake: Promise<unknown>;
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  /** How bytes and a reset get to our socket; a kind of transport may have ways of its own. */
  deliver: (bytes: Buffer) => void;
  reset: () => void;
  /** Our socket's transport has closed; or failed, by a reset of our kernel's. */
  lineClosed = false;
  lineFailed = false;
  /** Over a connection that goes on behind TLS the honest endpoint's end of TLS is no FIN. */
  peerKeepsOpen = false;
  readonly #keylog = new Map<string, readonly string[]>();
  #directions: Directions | undefined;

  /** `role` is the peer's, and `session` one that it resumes. */
  constructor(line: Duplex, suite: Suite, role: Side, session?: Session) {
    this.line = line;
    this.deliver = (bytes) => void line.write(bytes);
    this.reset = () => void line.destroy();
    const plug = new Plug();
    const directions = (): Directions | undefined => (this.#directions ??= directionsOf(suite, this.#keylog, this.lanes[role === 'server' ? 'toUs' : 'toPeer'].log.records[0]?.bytes));
    const toUs = new Lane({ write: (bytes) => this.#writeLine(bytes), fin: () => this.#endLine(), reset: () => this.reset() }, () => directions()?.[role]);
    const toPeer = new Lane(
      {
        write: (bytes) => !plug.destroyed && !plug.readableEnded && (plug.push(bytes), true),
        fin: () => !plug.destroyed && (plug.push(null), true),
        reset: () => void plug.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })),
      },
      () => directions()?.[role === 'server' ? 'client' : 'server'],
    );
    this.lanes = { toUs, toPeer };
    toUs.injectBack = (bytes) => toPeer.inject(bytes);
    toPeer.injectBack = (bytes) => toUs.inject(bytes);
    plug.onSent = (chunk) => toUs.add(chunk);
    plug.onFin = () => {
      if (!this.peerKeepsOpen) toUs.end();
    };
    line.on('data', (chunk: Buffer) => toPeer.add(chunk));
    line.on('end', () => toPeer.end());
    line.on('error', () => (this.lineFailed = true));
    line.on('close', () => {
      this.lineClosed = true;
      toPeer.end();
    });
    const secureContext = contextOf(role, suite);
    this.peer = role === 'client' ? tls.connect({ socket: plug, secureContext, rejectUnauthorized: false, ...session }) : new TLSSocket(plug as never, { isServer: true, secureContext });
    this.handshake = once(this.peer, 'secure'); // undocumented; both sides
    this.peer.on('keylog', (bytes: Buffer) => {
      const [name, ...fields] = bytes.toString('latin1').trim().split(' ');
      this.#keylog.set(name!, fields);
    });
    this.peer.on('error', () => {});
  }

  /** The handshake is over: from the next record on the script plays. */
  arm(faults: readonly Fault[]): void {
    for (const [name, lane] of Object.entries(this.lanes)) lane.arm(faults.filter((fault) => fault.lane === name));
  }

  get isIdle(): boolean {
    return this.lanes.toUs.isIdle && this.lanes.toPeer.isIdle;
  }

  #writeLine(bytes: Buffer): boolean {
    if (!this.line.writable) return false;
    this.deliver(bytes);
    return true;
  }

  #endLine(): boolean {
    if (this.line.destroyed) return false;
    // The outer end of TLS in TLS: plain Node loses what has come already if end() is called in a read callback.
    if (this.line instanceof TLSSocket) setImmediate(() => this.line.end());
    else this.line.end();
    return true;
  }

  destroy(): void {
    this.peer.destroy();
    this.line.destroy();
  }
}
