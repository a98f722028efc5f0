/** Who is asked, and how: the options of a probe, complete. */
import { isIP } from 'node:net';
import type { Protocol } from './starttls.js';
import type { Question } from './types.js';

export type Version = 'TLSv1.2' | 'TLSv1.3';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** What `host` stands for, once a connection was made: all are made to the same address. */
  address?: string;
  readonly servername: string;
  readonly alpn: readonly string[];
  readonly ca: string | Buffer | undefined;
  readonly cert: string | Buffer | undefined;
  readonly key: string | Buffer | undefined;
  readonly rejectUnauthorized: boolean;
  readonly starttls: Protocol | undefined;
  /** What is spoken through TLS, if not HTTP. */
  readonly protocol: Protocol | undefined;
  readonly send: string | undefined;
  readonly versions: readonly Version[];
  readonly questions: readonly Question[];
  readonly idle: number;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** Its connections. They are destroyed when the signal is aborted. */
  readonly open: Set<{ destroy(): unknown }>;
}

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** By which name to ask for it, in HTTP and the like. */
export function authorityOf({ host, port, servername }: Target): string {
  const name = servername === '' ? host : servername;
  return port === 443 ? (name.includes(':') ? `[${name}]` : name) : hostAndPort(name, port);
}

/** An address is no name (RFC 6066 section 3). */
export function servernameFor(host: string): string {
  return isIP(host) === 0 ? host : '';
}
