/**
 * A peer that can send any record: an honest TLS endpoint, and behind it somebody with its keys. It makes the handshake; from the first sealed
 * record on it is silent, and what is sent is the test's. (OpenSSL and Node send no alert that one chooses.)
 */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls, { TLSSocket } from 'node:tls';
import { Conditions } from './conditions.js';
import { type Side, type Version } from './pair.js';
import { ALERT, DATA, HANDSHAKE, directionsOf, type Directions, type Opened } from './sealing.js';
import { COMMON, contextOf, type Suite } from './suites.js';

type Callback = (error?: Error | null) => void;

/** What is between the honest endpoint and the line. */
class Plug extends Duplex {
  readonly #line: Duplex;
  readonly #onSent: (chunk: Buffer) => boolean;

  constructor(line: Duplex, onSent: (chunk: Buffer) => boolean) {
    super({ allowHalfOpen: true });
    this.#line = line;
    this.#onSent = onSent;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    if (this.#onSent(chunk)) this.#line.write(chunk);
    callback();
  }
}

/** The records in one direction, as they came. */
class Log {
  readonly records: Buffer[] = [];
  /** How many of them were tried with the keys. */
  tried = 0;
  #pending: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 5) {
      const length = 5 + this.#pending.readUInt16BE(3);
      if (this.#pending.length < length) break;
      this.records.push(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
    }
  }
}


export class Forger {
  /** The honest one. */
  readonly peer: TLSSocket;
  /** What carries TLS records to us. */
  readonly line: Duplex;
  readonly handshake: Promise<unknown>;
  /** What our side has sent since the keys are there, in order. */
  readonly opened: Opened[] = [];
  /** That our side has ended the line. */
  ourFin = false;
  readonly #suite: Suite;
  readonly #role: Side;
  readonly #ours = new Log();
  readonly #its = new Log();
  readonly #keylog = new Map<string, readonly string[]>();
  readonly #conditions = new Conditions();
  #keys: Directions | undefined;
  #muted = false;

  /** `role` is the peer's, and `session` one that it has from an earlier connection. */
  constructor(line: Duplex, version: Version, role: Side, session?: Buffer, suite: Suite = COMMON[version]) {
    this.line = line;
    this.#suite = suite;
    this.#role = role;
    const plug = new Plug(line, (chunk) => {
      if (!this.#muted) this.#its.add(chunk);
      return !this.#muted;
    });
    line.on('data', (chunk: Buffer) => {
      this.#ours.add(chunk);
      this.#openOurs();
      plug.push(chunk);
      this.#conditions.changed();
    });
    line.on('end', () => {
      this.ourFin = true;
      this.#conditions.changed();
    });
    line.on('error', () => {}); // a reset by our side
    const secureContext = contextOf(role, suite);
    this.peer = role === 'client' ? tls.connect({ socket: plug, secureContext, rejectUnauthorized: false, ...(session && { session }) }) : new TLSSocket(plug as never, { isServer: true, secureContext });
    this.handshake = once(this.peer, 'secure'); // undocumented; both sides
    this.peer.on('keylog', (bytes: Buffer) => {
      const [name, ...fields] = bytes.toString('latin1').trim().split(' ');
      this.#keylog.set(name!, fields);
    });
    this.peer.on('error', () => {}).resume();
  }

  #directions(): Directions | undefined {
    const serverRecords = this.#role === 'server' ? this.#its : this.#ours;
    return (this.#keys ??= directionsOf(this.#suite, this.#keylog, serverRecords.records[0]));
  }

  #openOurs(): void {
    const keys = this.#directions();
    if (keys === undefined) return;
    const ours = keys[this.#role === 'client' ? 'server' : 'client'];
    for (; this.#ours.tried < this.#ours.records.length; this.#ours.tried++) {
      const opened = ours.open(this.#ours.records[this.#ours.tried]!);
      if (opened !== undefined) this.opened.push(opened);
    }
  }

  /** Of ours: level and description. */
  get ourAlerts(): Buffer[] {
    return this.opened.filter(({ type }) => type === ALERT).map(({ content }) => content);
  }

  /** From now on nothing that the honest endpoint writes is sent. */
  mute(): void {
    this.#muted = true;
  }

  seal(type: number, content: Buffer, padding = 0): Buffer {
    this.mute();
    const keys = this.#directions();
    if (keys === undefined) throw new Error('there are no keys yet');
    const its = keys[this.#role];
    for (; this.#its.tried < this.#its.records.length; this.#its.tried++) its.open(this.#its.records[this.#its.tried]!);
    return its.seal(type, content, padding);
  }

  /** Level 1 is a warning, 2 is fatal. */
  sealAlert(level: number, description: number, padding = 0): Buffer {
    return this.seal(ALERT, Buffer.from([level, description]), padding);
  }

  sealData(bytes: Buffer | string, padding = 0): Buffer {
    return this.seal(DATA, Buffer.from(bytes as string), padding);
  }

  /** TLS 1.3 only; what is sealed after it has new keys. `asks`: our side has to answer by one of its own. */
  sealKeyUpdate(asks = false): Buffer {
    return this.seal(HANDSHAKE, Buffer.from([24, 0, 0, 1, asks ? 1 : 0]));
  }

  /** Resolves when our alert has come, or our side has ended the line without one. */
  async untilOurAlert(): Promise<void> {
    await this.#conditions.until(() => this.ourAlerts.length > 0 || this.ourFin || this.line.destroyed);
  }

  destroy(): void {
    this.peer.destroy();
    this.line.destroy();
  }
}
