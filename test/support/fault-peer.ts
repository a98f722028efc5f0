/** The honest peer of a fault proxy, in plain Node: writes, and ends as its plan says. It reports what it got. */
import type { TLSSocket } from 'node:tls';
import { turns } from './pair.js';
import type { Plan } from './fault-plan.js';

/** All that either side ever writes is a piece of this, from its start on. */
export const PATTERN = Buffer.from(Array.from({ length: 2 ** 18 }, (_, i) => (i * 2_654_435_761) >>> 21));

/** What of a plan is the peer's. */
export type PeerPlan = Pick<Plan, 'peerWrites' | 'peerEnds'>;

export class ScriptedPeer {
  readonly got: Buffer[] = [];
  /** It has met no error, and nobody has destroyed it. */
  isWell = true;
  written = 0;
  readonly #socket: TLSSocket;
  readonly #plan: PeerPlan;

  constructor(socket: TLSSocket, plan: PeerPlan) {
    this.#socket = socket;
    this.#plan = plan;
    socket.on('data', (chunk: Buffer) => this.got.push(chunk));
    socket.on('error', () => (this.isWell = false)).on('close', () => (this.isWell &&= socket.readableEnded));
    socket.once('end', () => void this.#answer());
  }

  async start(): Promise<void> {
    const { peerWrites, peerEnds } = this.#plan;
    for (const size of peerWrites) {
      this.#write(size);
      if (size % 2 === 0) await turns(size % 5);
    }
    await turns(1);
    if (peerEnds === 'first') this.#socket.end();
    else if (peerEnds === 'is cut') this.#socket.destroy();
  }

  #write(size: number): void {
    if (!this.#socket.writable) return;
    this.#socket.write(PATTERN.subarray(this.written, this.written + size));
    this.written += size;
  }

  /** Not in the read callback: plain Node would lose what it has to read still. */
  async #answer(): Promise<void> {
    const { peerEnds } = this.#plan;
    await turns(peerEnds === 'answers late' ? 20 : 1);
    if (peerEnds === 'never') return;
    if (peerEnds === 'answers by a FIN' || peerEnds === 'is cut') return void this.#socket.destroy();
    if (peerEnds === 'answers with data') this.#write(1000);
    this.#socket.end();
  }
}
