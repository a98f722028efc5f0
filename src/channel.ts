import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import type { ShutdownResult } from './types.js';

/** What is published on the `node:diagnostics_channel` named `tls-graceful-shutdown:shutdown`: one message for each shutdown call that ended. */
export interface ShutdownMessage extends ShutdownResult {
  readonly socket: TLSSocket;
}

const shutdowns = channel('tls-graceful-shutdown:shutdown');

/** @returns `result` */
export function publish(socket: TLSSocket, result: ShutdownResult): ShutdownResult {
  if (shutdowns.hasSubscribers) shutdowns.publish({ socket, ...result } satisfies ShutdownMessage);
  return result;
}
