/** An HTTP/2 client by hand: streams, uploads, resets of streams, rudeness. */
import { setTimeout as sleep } from 'node:timers/promises';
import { frame, get } from '../../test/support/http2.js';
import type { Chance } from '../../test/support/random.js';
import { GREETING, type Seen } from './servers.js';
import type { Fault, Story } from './story.js';
import { LONG_BEFORE, turnCount, type Wire } from './wire.js';

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8] as const;
const END_STREAM = 1;
const ACK = 1;
const REFUSED_STREAM = 7;
/** SETTINGS_INITIAL_WINDOW_SIZE is as large as can be, and so is the connection's window. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])),
  frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0, 0, 0])),
]);

interface Stream {
  readonly path: string;
  readonly began: number;
  isReset: boolean;
  isAnswered: boolean;
  isRefused: boolean;
}

export class Http2Story implements Story {
  readonly wire: Wire;
  unruly = false;
  readonly isForeign = false;
  readonly #random: Chance;
  readonly #mayBeEndless: boolean;
  readonly #streams = new Map<number, Stream>();
  #parsed = 0;
  /** The last stream that the server has taken, when it has said so. */
  #last: number | undefined;

  constructor(wire: Wire, random: Chance, mayBeEndless: boolean) {
    this.wire = wire;
    this.#random = random;
    this.#mayBeEndless = mayBeEndless;
  }

  async run(): Promise<void> {
    const { wire } = this;
    const random = this.#random;
    if (random() < 0.1) return wire.until(() => false); // it never says anything
    wire.write(PREFACE);
    wire.socket.on('data', () => this.#parse());
    this.#parse();
    for (let steps = random.below(8); steps > 0 && wire.isOpen && this.#last === undefined; steps--) {
      await this.#step(random());
      if (random() < 0.7) await sleep(random.below(40));
    }
    await wire.until(() => false);
  }

  async #step(dice: number): Promise<void> {
    const { wire } = this;
    const random = this.#random;
    if (dice < 0.6) {
      const ids = Array.from({ length: 1 + random.below(4) }, () => this.#open(random.pick(['now', 'later', 'stream', 'big', 'event', 'close', 'keep']), END_STREAM));
      if (random() < 0.6) await wire.until(() => ids.every((id) => this.#isDone(id)));
      else if (random() < 0.2) this.#reset(ids[0]!);
    } else if (dice < 0.8) {
      const id = this.#open(random.pick(['upload', 'early']), 0);
      for (let pieces = random.below(5); pieces > 0 && !this.#isDone(id); pieces--) {
        wire.write(frame(DATA, 0, id, Buffer.alloc(random.pick([10, 1000, 10_000]))));
        await sleep(random.below(20));
      }
      wire.write(frame(DATA, END_STREAM, id));
      await wire.until(() => this.#isDone(id));
    } else if (dice < 0.85) {
      wire.write(frame(PING, 0, 0, Buffer.alloc(8)));
    } else if (dice < 0.88 && this.#mayBeEndless) {
      this.#open('never', END_STREAM);
      this.unruly = true;
    } else if (dice < 0.9) {
      wire.write(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
    } else if (dice < 0.92 && this.#mayBeEndless) {
      this.unruly = true; // Node 20 does not end a connection that nghttp2 has given up
      wire.write(random.pick([frame(DATA, 0, 1, Buffer.alloc(5)), Buffer.from('garbage'.repeat(10))]));
    } else {
      wire.leave(random.pick(['end', 'half', 'reset'] as const));
    }
  }

  #open(path: string, flags: number): number {
    const id = 2 * this.#streams.size + 1;
    const wait = path === 'now' || this.#random() < 0.5 ? 0 : this.#random.below(100);
    this.#streams.set(id, { path, began: turnCount(), isReset: false, isAnswered: false, isRefused: false });
    const whole = get(id, `/${path}/s${this.wire.localPort}-${id}/${wait}`);
    whole[4] = 4 | flags;
    this.wire.write(whole);
    return id;
  }

  #reset(id: number): void {
    this.#streams.get(id)!.isReset = true;
    this.wire.write(frame(RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8])));
  }

  #isDone(id: number): boolean {
    const { isReset, isAnswered, isRefused } = this.#streams.get(id)!;
    return isReset || isAnswered || isRefused || (this.#last !== undefined && id > this.#last);
  }

  #parse(): void {
    const text = this.wire.text;
    while (text.length >= this.#parsed + 9) {
      const header = Buffer.from(text.slice(this.#parsed, this.#parsed + 9), 'latin1');
      const end = this.#parsed + 9 + header.readUIntBE(0, 3);
      if (text.length < end) return;
      const payload = Buffer.from(text.slice(this.#parsed + 9, Math.min(end, this.#parsed + 30)), 'latin1');
      this.#parsed = end;
      this.#onFrame(header[3]!, header[4]!, header.readUInt32BE(5), payload);
    }
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    if ((type === SETTINGS || type === PING) && (flags & ACK) === 0) this.wire.write(frame(type, ACK, 0, type === PING ? payload : undefined));
    if (type === GOAWAY) this.#last = payload.readUInt32BE(0);
    if (stream === undefined) return;
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) stream.isAnswered = true;
    if (type === RST_STREAM && payload.readUInt32BE(0) === REFUSED_STREAM) stream.isRefused = true;
  }

  faults(seen: Seen, _finishes: boolean): Fault[] {
    const { wire } = this;
    if (wire.left !== undefined || this.unruly) return [];
    const faults: Fault[] = [];
    if (this.#streams.size > 0 && this.#parsed < wire.text.length) faults.push('half a frame');
    if (wire.text.includes(GREETING)) faults.push('a greeting');
    for (const [id, { began, isAnswered }] of this.#streams) {
      if (isAnswered || this.#streams.get(id)!.isReset) continue;
      if (seen.streams.includes(id)) faults.push(`stream ${id} was given to the application, and not answered`);
      else if (!this.#isDone(id) && wire.endTurn - began > LONG_BEFORE) faults.push(`stream ${id} was sent ${wire.endTurn - began} turns before the end, and neither answered nor refused`);
    }
    return faults;
  }

  toString(): string {
    const { wire } = this;
    const streams = [...this.#streams].map(([id, { path, isAnswered, isRefused, isReset }]) => `${path} ${id}${isAnswered ? ' answered' : ''}${isRefused ? ' refused' : ''}${isReset ? ' reset' : ''}`);
    return `${wire.localPort}, ${wire.habit}${this.unruly ? ', unruly' : ''}${wire.left === undefined ? '' : `, left by ${wire.left}`}, ended by ${wire.ended}, ${wire.received}: GOAWAY ${this.#last}: ${streams.join()}`;
  }
}
