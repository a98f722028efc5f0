/** What OpenSSL's caller and ours have in common. */
import type { Side, Version } from '../../support/pair.js';
import type { Played } from '../peers/forging.js';
import type { PeerConnection } from './peer.js';

/** How each of them closes. */
export const CALLERS = ['SSL_shutdown', 'SSL_shutdown, with SSL_read', 'one step a call', 'bidirectional'] as const;
export type CallerName = (typeof CALLERS)[number];

export interface Answer {
  readonly value: number;
  /** Of a -1: the name that SSL_get_error(3) gives it, without SSL_ERROR_. */
  readonly error: string | undefined;
  /** In the table. */
  readonly text: string;
}

export interface Setting {
  readonly version: Version;
  readonly side: Side;
  /**
   * Of both: `resume` offers the session of the connection before; `ignore-eof` is SSL_OP_IGNORE_UNEXPECTED_EOF.
   * Of OpenSSL only: `post-handshake-auth`. Of Node only: `half-open`, `own transport` and `held`, a transport that `hold` and `release` work on.
   */
  readonly options: readonly string[];
}

export interface Caller {
  /** Connects. Whether the session was resumed. */
  open(peer: PeerConnection, setting: Setting, hasHandshake: boolean): Promise<boolean>;
  /** Something else than closing: the commands of peers/beside.c, and `hear`, which reads. */
  act(step: string): Promise<void>;
  arrived(played: Played): Promise<void>;
  call(limit: number): Promise<Answer>;
  close(): Promise<void>;
  /** After the last connection. */
  stop(): Promise<void>;
}
