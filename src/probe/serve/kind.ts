/** What the ways to close have in common. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface Served {
  readonly socket: TLSSocket;
  /** TCP under it. */
  readonly raw: Socket;
  /** Milliseconds. */
  readonly delay: number;
}

/** Closes a connection: by ourselves, or behind the end of the client. All that was written before is flushed. */
export type Close = (served: Served, first: 'we' | 'client') => void | Promise<void>;
