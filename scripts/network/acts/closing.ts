/** One TLS connection that is written to, read from, and shut down in one of several ways. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { shutdown, type ShutdownOptions, type ShutdownState } from 'tls-graceful-shutdown';
import type { Version } from '../../../test/support/pair.js';
import { bytesOf, collect, gotOf, type Got } from '../bytes.js';
import { acceptTls, connectTls } from './sockets.js';
import { timed, type Timed } from './timed.js';

export const WAYS = ['both steps', 'step by step', 'short calls', 'the peer first', 'quiet', 'a bare FIN back', 'a bare FIN first'] as const;
export type Way = (typeof WAYS)[number];

export interface ClosePlan {
  readonly version: Version;
  readonly way: Way;
  /** Of the bytes that we send: their name, and how many. */
  readonly name: string;
  readonly length: number;
  /** Of each call. */
  readonly timeout: number;
}

export interface CallTold extends Timed {
  readonly value: number;
  readonly code: string | undefined;
  readonly timeout: number;
}

export interface CloseTold {
  readonly calls: CallTold[];
  readonly state: ShutdownState;
  readonly got: Got;
}

/** Of a call in `'short calls'`: shorter than most round trips of a slow link. */
const SHORT = 150;

async function timedCall(socket: TLSSocket, options: ShutdownOptions & { timeout: number }): Promise<CallTold & { state: ShutdownState }> {
  const { result, ...time } = await timed(() => shutdown(socket, options));
  const { value, error, state } = result;
  return { value, code: error?.code, ...time, timeout: options.timeout, state };
}

async function close(socket: TLSSocket, { way, name, length, timeout }: ClosePlan): Promise<CloseTold> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const ended = once(socket, 'end');
  const received = collect(socket);
  const calls: (CallTold & { state: ShutdownState })[] = [];
  const call = async (options: ShutdownOptions & { timeout: number }): Promise<number> => calls.push(await timedCall(socket, options));
  socket.write(bytesOf(name, length));
  if (way === 'the peer first' || way === 'a bare FIN first') await ended;
  if (way === 'quiet') {
    ended.catch(() => {}); // the peer may answer by a reset: it counts that
    while (received().length < length) await once(socket, 'data');
  }
  if (way === 'short calls') {
    const limit = performance.now() + timeout;
    do await call({ bidirectional: true, timeout: SHORT });
    while (calls.at(-1)!.code === 'ERR_TLS_SHUTDOWN_TIMEOUT' && performance.now() < limit);
  } else {
    await call({ bidirectional: way !== 'step by step', quiet: way === 'quiet', timeout });
    if (way === 'step by step') await call({ timeout });
  }
  await Promise.race([closed, setTimeout(timeout, undefined, { ref: false })]);
  if (!socket.destroyed) throw new Error(`the socket is open ${timeout} ms after ${JSON.stringify(calls)}`);
  return { calls, state: calls.at(-1)!.state, got: gotOf(received()) };
}

const servers = new Map<number, Promise<CloseTold>>();

export async function listenAndClose(plan: ClosePlan): Promise<number> {
  const { port, socket } = await acceptTls(plan.version);
  servers.set(port, socket.then((accepted) => close(accepted, plan)));
  return port;
}

/** What became of the connection to the server on that port. */
export const closedAt = (port: number): Promise<CloseTold> => servers.get(port)!;

export async function connectAndClose({ port, ...plan }: ClosePlan & { port: number }): Promise<CloseTold> {
  return await close(await connectTls(port, plan.version), plan);
}
