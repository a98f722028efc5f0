/** What `probe` and `serve` take and give. */

/** What is asked, each on a connection of its own. */
export type Question = 'we-close' | 'half-close' | 'it-closes' | 'quiet' | 'idle';

/**
 * How a server ended its side.
 *
 * - `close_notify`: by its alert. The library has proved it; nothing else is called so.
 * - `fin`: by a bare TCP FIN. Anybody on the path can forge that.
 * - `reset`: by a TCP reset.
 * - `alert`: by another alert, which `detail` names.
 * - `silence`: not within the time.
 * - `unverified`: it ended, but how can't be told.
 * - `error`: it could not be asked, or broke the rules; `detail` says how.
 */
export type End = 'close_notify' | 'fin' | 'reset' | 'alert' | 'silence' | 'unverified' | 'error';

/** Options of `probe`. */
export interface ProbeOptions {
  /** A name or an address. */
  host: string;

  /** From 1 to 65535. Default 443, or with `starttls` the usual port of that protocol. */
  port?: number;

  /** The name to ask for (SNI), which the certificate has to be for. Default `host`; an address is not sent as a name. */
  servername?: string;

  /** Protocols to offer by ALPN. If the server takes `h2`, it is asked over HTTP/2. Default none, which is HTTP/1.1. */
  alpn?: string[];

  /** Whom to trust, in place of Node's list: certificates in PEM. */
  ca?: string | Buffer;

  /** The certificate to show the server, in PEM; together with `key`. */
  cert?: string | Buffer;

  /** The key of `cert`, in PEM. */
  key?: string | Buffer;

  /** `false`: any certificate will do. Default `true`. */
  rejectUnauthorized?: boolean;

  /** The protocol by which TLS is begun: `smtp`, `imap`, `pop3`, `ftp`, `ldap`, `postgres`, `mysql` or `xmpp`. Default none: TLS from the first byte. */
  starttls?: string;

  /**
   * What makes the server answer and end, sent as it is. Default an HTTP request with `Connection: close`; with `starttls`, or on the usual port of a mail, FTP or
   * LDAP service, the goodbye of that protocol.
   */
  send?: string;

  /** Each is asked by itself. One that the server refuses is left out, if it takes another. Default both. */
  versions?: ('TLSv1.2' | 'TLSv1.3')[];

  /** Default all but `idle`, and that too if `idle` is given. */
  questions?: Question[];

  /** Milliseconds that a connection is left idle, for the question `idle`: from 1 to 2147483647. Default none: it is not asked. */
  idle?: number;

  /**
   * Milliseconds for each step: to connect, for STARTTLS, for the handshake, and for the server's end. From 1 to 2147483647. At the limit the answer is `silence`,
   * or `error` before the handshake is done. Default 5000.
   */
  timeout?: number;

  /** Ends it: `probe` rejects with an `AbortError` whose `cause` is the reason, and no connection stays open. Default none. */
  signal?: AbortSignal;
}

/** One question, and what came of it. */
export interface ProbeAnswer {
  readonly question: Question;
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  readonly end: End;
  /** Milliseconds from our part (alert, request, FIN, or the beginning of the idle time) to its end. */
  readonly elapsed: number;
  /** Bytes of plaintext received. */
  readonly bytes: number;
  /** What else there is to say. What the server sent stands there escaped. */
  readonly detail?: string;
}

/** What `probe` resolves to, and what `--json` prints. */
export interface ProbeReport {
  readonly host: string;
  readonly port: number;
  readonly answers: readonly ProbeAnswer[];
  /**
   * `unclean`: `it-closes`, `half-close` or `idle` was ended by a bare FIN, a reset or another alert. Otherwise `unknown`: something could not be told. Otherwise `clean`. How a
   * server answers a quiet end does not count, nor does a bare FIN for our `close_notify`.
   */
  readonly verdict: 'clean' | 'unclean' | 'unknown';
}

/**
 * A way to close.
 *
 * - `clean`: by `close_notify`, in both directions.
 * - `fin`: by a bare FIN.
 * - `rst`: by a reset.
 * - `silent`: not at all.
 * - `cut`: by a FIN in the middle of a record.
 * - `late-data`: behind the client's alert it sends data, then its own alert.
 * - `slow`: as `clean`, but after `delay`.
 */
export type CloseKind = 'clean' | 'fin' | 'rst' | 'silent' | 'cut' | 'late-data' | 'slow';

/** Options of `serve`. */
export interface ServeOptions {
  /** How the server closes. Default all: one port for each. */
  close?: CloseKind;

  /** Where to listen, from 0 to 65535; with all kinds the first of as many ports in a row. Default 0, which is any that is free. */
  port?: number;

  /** Default `127.0.0.1`. */
  host?: string;

  /** The server's certificate, in PEM; together with `key`. Default one for `localhost` that the `openssl` program makes. */
  cert?: string | Buffer;

  /** The key of `cert`, in PEM. */
  key?: string | Buffer;

  /** Milliseconds after which a connection that says nothing behind an answer is closed, from 1 to 2147483647. Default 5000. */
  idle?: number;

  /** Milliseconds that the kind `slow` waits before it closes, from 0 to 2147483647. Default 2000. */
  delay?: number;
}

/** Servers that run. */
export interface Serving {
  readonly host: string;
  readonly servers: readonly { readonly close: CloseKind; readonly port: number }[];
  /** The certificate, in PEM: clients may trust it. */
  readonly cert: string;
  /** Ends them by a drain, which closes each connection by `close_notify`. What is not done after five seconds is destroyed. */
  close(): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
