/** One direction of a fault proxy: cuts the sender's bytes into records and does to each what the script says. */
import { LaneLog, type Sealed } from './fault-log.js';
import { injectionOf, type Fault } from './faults.js';
import { turns } from './pair.js';
import { ALERT, DATA, type Direction } from './sealing.js';

/** Where the lane ends; `false` if nothing can be delivered there any more. */
export interface Sink {
  write(bytes: Buffer): boolean;
  fin(): boolean;
  reset(): void;
}

type Step = Buffer | number | 'fin' | 'reset';

/** Turns that a record waits for the one behind it. */
const PATIENCE = 30;
/** A window of one byte opens again after so many. */
const MOST_SINGLE_BYTES = 300;

export class Lane {
  readonly log: LaneLog;
  /** Puts bytes into the other direction. */
  injectBack: (bytes: Buffer) => void = () => {};
  readonly #sink: Sink;
  readonly #direction: () => Direction | undefined;
  #faults: readonly Fault[] = [];
  /** Of the next record; before `arm` everything passes. */
  #index = -1;
  #alertSeen = false;
  #singleBytes = 0;
  #fate: 'passes' | 'muted' | 'muted but FIN' | 'closed' = 'passes';
  /** Waits for the next record: to go in one piece with it, or behind it. */
  #held: { readonly bytes: Buffer; readonly behind: boolean } | undefined;
  /** What is to be done, in order. A number is turns to wait. */
  readonly #steps: Step[] = [];
  #working = false;

  constructor(sink: Sink, direction: () => Direction | undefined) {
    this.#sink = sink;
    this.#direction = direction;
    this.log = new LaneLog(direction);
  }

  /** From the next record on. */
  arm(faults: readonly Fault[]): void {
    this.#faults = faults;
    this.#index = 0;
  }

  /** All is done that was to be done by now. */
  get isIdle(): boolean {
    return !this.#working && this.#held === undefined;
  }

  add(chunk: Buffer): void {
    const records = this.log.add(chunk);
    if (this.#index < 0) this.#do(chunk);
    else for (const record of records) this.#record(record);
  }

  end(): void {
    if (this.log.finSent) return;
    this.log.finSent = true;
    if (this.#fate === 'muted' || this.#fate === 'closed') return;
    for (const { op, n } of this.#faults.filter(({ at }) => at === 'fin')) {
      if (op === 'mute' || op === 'drop') {
        this.#release();
        this.#fate = 'muted';
      } else if (op === 'delay') this.#do(n % 60);
      else if (op === 'reset') this.#do('reset');
      else if (op === 'inject') this.#do(this.#injection(n));
      else if (op === 'inject back') this.injectBack(this.#injection(n));
    }
    if (this.#fate === 'muted') return;
    this.#release();
    this.#do('fin');
    this.#fate = 'closed';
  }

  /** Somebody else's bytes. */
  inject(bytes: Buffer): void {
    if (this.#fate !== 'closed') this.#do(bytes);
  }

  #record(record: Sealed): void {
    const index = this.#index++;
    const isAlert = record.opened?.type === ALERT && !this.#alertSeen;
    this.#alertSeen ||= isAlert;
    if (this.#fate !== 'passes') return;
    const held = this.#held;
    this.#held = undefined;
    let steps: Step[] = [record.bytes];
    for (const fault of this.#faults.filter(({ at }) => at === index || (at === 'alert' && isAlert))) steps = this.#apply(fault, steps);
    if (held !== undefined) {
      const first = steps.findIndex((step) => step instanceof Buffer);
      if (held.behind) steps.push(held.bytes);
      else if (first < 0) steps.unshift(held.bytes);
      else steps[first] = Buffer.concat([held.bytes, steps[first] as Buffer]);
    }
    this.#do(...steps);
  }

  #apply({ op, n }: Fault, steps: Step[]): Step[] {
    const at = steps.findLastIndex((step) => step instanceof Buffer);
    if (at < 0) return steps; // another fault has taken the record away
    const bytes = steps[at] as Buffer;
    const [before, behind] = [steps.slice(0, at), steps.slice(at + 1)];
    const byte = n % (bytes.length + 1);
    switch (op) {
      case 'cut':
      case 'reset':
        this.#fate = 'closed';
        return [...before, bytes.subarray(0, byte), op === 'cut' ? 'fin' : 'reset'];
      case 'drop':
        return [...before, ...behind];
      case 'mute':
      case 'mute but FIN':
        this.#fate = op === 'mute' ? 'muted' : 'muted but FIN';
        return before;
      case 'delay':
        return [n % 60, ...steps];
      case 'coalesce':
      case 'reorder':
        this.#hold(bytes, op === 'reorder');
        return [...before, ...behind];
      case 'split':
        return [...before, bytes.subarray(0, byte), 1 + (n % 3), bytes.subarray(byte), ...behind];
      case 'window':
        this.#singleBytes = MOST_SINGLE_BYTES;
        return steps;
      case 'duplicate':
        return [...steps, bytes];
      case 'corrupt': {
        const copy = Buffer.from(bytes);
        copy[n % copy.length]! ^= 1 << (n >> 8) % 8;
        return [...before, copy, ...behind];
      }
      case 'inject': {
        const inside = [0, bytes.length, byte][n % 3]!;
        return [...before, Buffer.concat([bytes.subarray(0, inside), this.#injection(n), bytes.subarray(inside)]), ...behind];
      }
      case 'inject back':
        this.injectBack(this.#injection(n));
        return steps;
      case 'fatal alert':
        return [...before, ...this.#fatalAlert(bytes, n), ...behind];
    }
  }

  /** Its sender is silent from now on. (Number 0 would be its close_notify: TLS 1.3 does not look at the level.) */
  #fatalAlert(bytes: Buffer, n: number): Step[] {
    const alert = this.#direction()!.seal(ALERT, Buffer.from([2, 1 + (n % 255)]), (n >> 8) % 3 === 0 ? n % 50 : 0);
    const pieces: Step[] = n % 2 === 0 ? [Buffer.concat([bytes, alert])] : [bytes, alert];
    const junk = [Buffer.alloc(0), Buffer.from([0x17]), this.#injection(n), this.#direction()!.seal(DATA, Buffer.from('more'))][(n >> 10) % 4]!;
    const isCut = (n >> 12) % 2 === 0;
    this.#fate = isCut ? 'closed' : 'muted';
    return [...pieces, junk, ...(isCut ? (['fin'] as const) : [])];
  }

  #injection(n: number): Buffer {
    const { records } = this.log;
    return injectionOf(n, records[n % records.length]?.bytes ?? Buffer.alloc(1));
  }

  #hold(bytes: Buffer, behind: boolean): void {
    const held = { bytes, behind };
    this.#held = held;
    void turns(PATIENCE).then(() => {
      if (this.#held === held) this.#release();
    });
  }

  #release(): void {
    if (this.#held === undefined) return;
    const { bytes } = this.#held;
    this.#held = undefined;
    this.#do(bytes);
  }

  #do(...steps: Step[]): void {
    this.#steps.push(...steps);
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let step; (step = this.#steps.shift()) !== undefined; ) {
      if (step === 'fin') {
        if (this.#sink.fin()) this.log.finArrived();
      } else if (step === 'reset') {
        this.log.wasReset = true;
        this.#sink.reset();
      } else if (typeof step === 'number') await turns(step);
      else if (this.#singleBytes > 0 && step.length > 1) {
        const length = Math.min(step.length, this.#singleBytes);
        this.#singleBytes -= length;
        this.#steps.unshift(...Array.from({ length }, (_, i) => [(step as Buffer).subarray(i, i + 1), 1]).flat(), step.subarray(length));
      } else if (step.length > 0 && this.#sink.write(step)) this.log.delivered(step);
    }
    this.#working = false;
  }
}
