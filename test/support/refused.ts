/** A socket whose alert the transport has refused, and what is underneath. */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, type ShutdownResult } from '../../src/index.js';

const LOST = { sent: 'lost', received: 'close_notify' };

/** What is underneath. */
export interface Handle {
  _parent: Handle;
  writeQueueSize: number;
  getpeername?: unknown;
  readStop(): void;
}
export const handleOf = (socket: TLSSocket): Handle => (socket as unknown as { _handle: Handle })._handle;

export async function expectRefused(socket: TLSSocket, answer: Promise<ShutdownResult>): Promise<void> {
  const result = await answer;
  expect(result.error).to.include({ code: 'ERR_TLS_SHUTDOWN_TRANSPORT', sslError: 'SSL_ERROR_SYSCALL' });
  expect(result).to.deep.include({ value: -1, state: LOST });
  expect(getShutdown(socket)).to.deep.equal(LOST);
  expect(await gracefulShutdown(socket, { bidirectional: true })).to.equal(-1);
}

export interface ShutdownRequest {
  oncomplete(status?: number): void;
}

/** Puts `replacement` in the place of the handle's `shutdown`, which sends our alert and ends the transport; `original` calls that. */
export function replaceShutdown(socket: TLSSocket, replacement: (request: ShutdownRequest, original: () => unknown) => unknown): void {
  const handle = handleOf(socket) as unknown as { shutdown(request: ShutdownRequest): unknown };
  const { shutdown: original } = handle;
  handle.shutdown = (request) => replacement(request, () => original.call(handle, request));
}
