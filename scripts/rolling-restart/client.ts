/** What the load generators of Node have in common. */
import { setTimeout } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { getShutdown, watch } from 'tls-graceful-shutdown';
import { PATHS, bodyOf, emptyTally } from './shared.js';

export interface Ports {
  readonly http1: number;
  readonly http2: number;
}

/** Sends one request; resolves to the body. It may go by either port. */
export type Send = (request: { path: string; upload: Buffer | undefined; port: number }) => Promise<Buffer>;

const LOOPS = 8;
/** Milliseconds until a request has failed. */
export const PATIENCE = 10_000;
/** Milliseconds after a failure: about what an answer takes, so that failing is not faster than succeeding. */
const BACK_OFF = 20;
const UPLOAD = Buffer.alloc(10_000, 'u');

export const tally = emptyTally();
let stopped = false;
export const isStopped = (): boolean => stopped;
export const stop = (): void => void (stopped = true);

/** Counts a request that failed. */
export function failed(error: unknown): void {
  const { code, message } = error as NodeJS.ErrnoException;
  tally.failed++;
  note(`${code ?? ''} ${message}`.trim());
}

export function note(reason: string): void {
  tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
}

/** Counts how the server ends this connection. */
export function count<T>(socket: T): T {
  const tls = watch(socket as TLSSocket);
  tally.connections++;
  tls.once('close', () => {
    countReset(tls.errored);
    if (getShutdown(tls).received === 'fin') tally.unexpectedEof++;
  });
  return socket;
}

/** Node makes errors with this code also where no reset came ("socket hang up"). */
export function countReset(error: Error | null): void {
  if (error !== null && (error as NodeJS.ErrnoException).code === 'ECONNRESET' && 'syscall' in error) tally.resets++;
}

/** Several loops of one request after the other, with and without pauses between them. */
async function loop(send: Send, port: number, pause: number): Promise<void> {
  for (let i = 0; !stopped; i++) {
    const path = PATHS[i % PATHS.length]!;
    try {
      const body = await send({ path, upload: i % 7 === 0 ? UPLOAD : undefined, port });
      if (!body.equals(bodyOf(path))) throw new Error(`a body of ${body.length} bytes`);
    } catch (error) {
      failed(error);
      await setTimeout(BACK_OFF);
    }
    tally.requests++;
    if (pause > 0) await setTimeout(Math.random() * pause);
  }
}

export async function keepLoading(send: Send, ports: number[]): Promise<void> {
  await Promise.all(Array.from({ length: LOOPS }, (_, i) => loop(send, ports[i % ports.length]!, i < LOOPS / 2 ? 0 : 50)));
}
