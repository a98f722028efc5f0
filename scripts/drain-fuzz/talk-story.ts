/** A client of a server without HTTP: it gets a greeting, and sends bytes now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../../test/support/random.js';
import { GOODBYE, GREETING, type Seen } from './servers.js';
import type { Fault, Story } from './story.js';
import type { Wire } from './wire.js';

export class TalkStory implements Story {
  readonly wire: Wire;
  unruly = false;
  readonly isForeign = true;
  readonly #random: Chance;
  #sent = 0;

  constructor(wire: Wire, random: Chance) {
    this.wire = wire;
    this.#random = random;
  }

  async run(): Promise<void> {
    const { wire } = this;
    const random = this.#random;
    for (let steps = random.below(6); steps > 0 && wire.isOpen; steps--) {
      const length = random.pick([1, 100, 20_000, 200_000]);
      wire.write('x'.repeat(length));
      this.#sent += length;
      if (random() < 0.1) wire.readNothingFor(random.below(150));
      await sleep(random.below(50));
      if (random() < 0.08) wire.leave(random.pick(['end', 'half', 'reset'] as const));
    }
    await wire.until(() => false);
  }

  faults(seen: Seen, finishes: boolean): Fault[] {
    const { wire } = this;
    if (wire.left !== undefined || this.unruly) return [];
    const faults: Fault[] = [];
    if (wire.text !== GREETING + (finishes ? GOODBYE : '')) faults.push(`${wire.text.length} bytes of ${GREETING.length}, of which the last are ${wire.text.slice(-20)}`);
    if (wire.habit !== 'silent' && seen.bytes !== this.#sent) faults.push(`${this.#sent} bytes were sent, of which ${seen.bytes} reached the application`);
    return faults;
  }

  toString(): string {
    const { wire } = this;
    return `${wire.localPort}, ${wire.habit}${wire.left === undefined ? '' : `, left by ${wire.left}`}, ended by ${wire.ended}, ${wire.received}: ${this.#sent} bytes sent`;
  }
}
