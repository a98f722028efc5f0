/** OpenSSL and the library beside each other: the C program, compiled, and the peer that both meet. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromRoot } from '../support/ends.js';
import type { Behaviour } from './behaviours.js';
import { cellsOf } from './meet.js';
import { Peer } from './peer.js';
import { placesOf } from './table.js';

type Measurement = Map<ReturnType<typeof placesOf>[number]['place'], Awaited<ReturnType<typeof cellsOf>>>;

export class Beside {
  readonly #folder = mkdtempSync(join(tmpdir(), 'interop-beside-'));
  readonly #program = join(this.#folder, 'beside');
  readonly #peer = new Peer();

  constructor() {
    execFileSync('gcc', ['-Wall', '-Wextra', '-Werror', '-o', this.#program, fromRoot('test/interop/peers/beside.c'), '-lssl', '-lcrypto']);
  }

  /** By version and side. */
  async measure(behaviour: Behaviour): Promise<Measurement> {
    const cells = placesOf(behaviour).map(async ({ version, side, place }) => [place, await cellsOf(behaviour, version, side, this.#peer, this.#program)] as const);
    return new Map(await Promise.all(cells));
  }

  async stop(): Promise<void> {
    await this.#peer.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
