/** Many connections that are kept, and then closed by calls that may get no answer. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { shutdown, unwrap, watch, wrap, type ShutdownOptions, type TlsShutdownError } from 'tls-graceful-shutdown';
import type { Version } from '../../../test/support/pair.js';
import { bytesOf, collect, gotOf, type Got } from '../bytes.js';
import type { CallTold } from './closing.js';
import { connectTcp, connectTls, identityOf, listen, remember, versionsOf } from './sockets.js';
import { timed } from './timed.js';

interface Kept {
  readonly socket: TLSSocket;
  readonly received: () => Buffer;
  /** Of the client: both ends know the connection by it. */
  readonly port: number;
}

const kept: Kept[] = [];
let onKept = (): void => {};

function keep(socket: TLSSocket, port: number): void {
  kept.push({ socket: socket.on('error', () => {}), received: collect(socket), port });
  onKept();
}

let server: tls.Server;

/** A server that keeps what comes. */
export async function listenAndKeep(version: Version): Promise<number> {
  server = watch(tls.createServer({ ...identityOf(version), allowHalfOpen: true }, (socket) => keep(remember(socket), socket.remotePort!)));
  return await listen(server);
}

export function stopListening(_none: undefined): void {
  server.close();
}

/** So many connections; with `wrapped`, over transports that can be had back. */
export async function connectAndKeep({ port, version, count, wrapped = false }: { port: number; version: Version; count: number; wrapped?: boolean }): Promise<void> {
  const one = async (): Promise<void> => {
    if (!wrapped) {
      const socket = await connectTls(port, version);
      return keep(socket, socket.localPort!);
    }
    const transport = await connectTcp(port);
    const socket = remember(wrap(transport, { rejectUnauthorized: false, ...versionsOf(version) }));
    await once(socket, 'secureConnect');
    keep(socket, transport.localPort!);
  };
  await Promise.all(Array.from({ length: count }, one));
}

export async function keptUntil(count: number): Promise<void> {
  while (kept.length < count) await new Promise<void>((resolve) => (onKept = resolve));
}

/** The connection of the client's port P sends the bytes `NAME-P`. */
export function writeToKept({ name, length }: { name: string; length: number }): void {
  for (const { socket, port } of kept) socket.write(bytesOf(`${name}-${port}`, length));
}

export interface KeptTold extends CallTold {
  readonly sslError: string | undefined;
  readonly isDestroyed: boolean;
}

async function limited(timeout: number, call: () => Promise<{ value: number; error?: TlsShutdownError | undefined }>): Promise<Omit<KeptTold, 'isDestroyed'>> {
  const { result, ...time } = await timed(call);
  const { value, error } = result;
  return { value, code: error?.code, sslError: error?.sslError, ...time, timeout };
}

export async function shutDownKept(options: ShutdownOptions & { timeout: number }): Promise<KeptTold[]> {
  return await Promise.all(kept.map(async ({ socket }) => ({ ...(await limited(options.timeout, () => shutdown(socket, options))), isDestroyed: socket.destroyed })));
}

export async function unwrapKept({ timeout }: { timeout: number }): Promise<KeptTold[]> {
  const one = async (socket: TLSSocket): Promise<{ value: number; error?: TlsShutdownError }> => {
    try {
      await unwrap(socket, { timeout });
      return { value: 1 };
    } catch (error) {
      return { value: -1, error: error as TlsShutdownError };
    }
  };
  return await Promise.all(
    kept.map(async ({ socket }) => {
      const told = await limited(timeout, () => one(socket));
      await setTimeout(0); // 'close' comes a turn after the destroying
      return { ...told, isDestroyed: socket.destroyed };
    }),
  );
}

/** What came on the connection of that port. */
export interface KeptGot {
  readonly port: number;
  readonly got: Got;
}

/** Answers the other side's end on each connection as soon as that has come, and tells what came before it. */
export async function answerEnds({ timeout }: { timeout: number }): Promise<(CallTold & KeptGot)[]> {
  return await Promise.all(
    kept.map(async ({ socket, received, port }) => {
      if (!socket.readableEnded) await Promise.race([once(socket, 'end'), once(socket, 'close')]);
      return { ...(await limited(timeout, () => shutdown(socket, { timeout }))), got: gotOf(received()), port };
    }),
  );
}

export const receivedByKept = (_none: undefined): KeptGot[] => kept.map(({ received, port }) => ({ got: gotOf(received()), port }));

/** For those that the application gives up. */
export async function destroyKept(_none: undefined): Promise<void> {
  const all = kept.splice(0);
  await Promise.all(
    all.map(async ({ socket }) => {
      if (socket.closed) return;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
    }),
  );
}
