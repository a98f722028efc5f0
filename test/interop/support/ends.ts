/** Our end of a connection, client or server, and what closing it came to. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import tls, { type ConnectionOptions, type SecureVersion, type TLSSocket, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { shutdown, watch, type ReceivedState, type SentState, type ShutdownErrorCode, type ShutdownOptions, type ShutdownReturn } from '../../../src/index.js';
import { afterThisTest } from './cleanup.js';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly SecureVersion[];
export type Version = (typeof VERSIONS)[number];

/** `path` from the root of the repository; this file is compiled to build/test/interop/support. */
export function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
}

export const KEY_FILE = fromRoot('fixtures/localhost.key.pem');
export const CERT_FILE = fromRoot('fixtures/localhost.cert.pem');

/** What one call of `shutdown` came to, in the order value, sent, received, code. */
export type Outcome = readonly [value: ShutdownReturn, sent: SentState, received: ReceivedState, code: ShutdownErrorCode | undefined];

export const BOTH_ALERTS: Outcome = [1, 'close_notify', 'close_notify', undefined];
export const ONE_STEP: Outcome = [0, 'close_notify', 'open', undefined];
export const TRUNCATED: Outcome = [-1, 'close_notify', 'fin', 'ERR_TLS_SHUTDOWN_TRUNCATED'];
/** What became of the peer's half is left open: its answer to a bare FIN is a FIN, or a fatal alert. */
export const QUIET = [1, 'quiet'] as const;
export const UNVERIFIED: Outcome = [-1, 'close_notify', 'unverified', 'ERR_TLS_SHUTDOWN_UNVERIFIED'];

/**
 * Whether our OpenSSL hides the alert of Java's close(): on TLS 1.3 it sends user_canceled before close_notify if our alert is not in yet, and
 * from 3.2 on OpenSSL shows neither (openssl#25254). shutdownOutput(), and close() after our alert, send close_notify alone.
 */
export function hidesAfterUserCanceled(version: Version): boolean {
  const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
  return version === 'TLSv1.3' && (major > 3 || (major === 3 && minor >= 2));
}

/** The outcome in a test's title. */
export function inWords([value, , , code]: Outcome): string {
  return code === undefined ? String(value) : `${value} (${code})`;
}

export async function close(socket: TLSSocket, options: ShutdownOptions = {}): Promise<Outcome> {
  const { value, state, error } = await shutdown(socket, { timeout: 15_000, ...options });
  return [value, state.sent, state.received, error?.code];
}

/** Connects to a peer at `port`. It is watched from the start. */
export async function connect(port: number, version: Version, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = watch(tls.connect({ port, host: '127.0.0.1', minVersion: version, maxVersion: version, rejectUnauthorized: false, ...options }));
  afterThisTest(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

export interface Listening {
  readonly port: number;
  /** The next connection. */
  accept(): Promise<TLSSocket>;
}

/** A server of ours at a free port, watched. */
export async function listen(version: Version, options: TlsOptions = {}): Promise<Listening> {
  const server = watch(tls.createServer({ key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: version, maxVersion: version, ...options }));
  const sockets: TLSSocket[] = [];
  let onSocket = (): void => {};
  server.on('secureConnection', (socket) => {
    afterThisTest(() => socket.destroy());
    sockets.push(socket);
    onSocket();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    async accept() {
      while (sockets.length === 0) await new Promise<void>((resolve) => (onSocket = resolve));
      // OpenSSL says that the handshake is done before it writes the TLS 1.3 tickets: data written at once would overtake them.
      await new Promise<void>((resolve) => setImmediate(resolve));
      return sockets.shift()!;
    },
  };
}

/**
 * A port that was free a moment ago, for programs that can't choose one and say which. It lies below those that the kernel gives to clients:
 * any connection on this machine could take one of those meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = net.createServer().listen(port);
    const free = await once(server, 'listening').then(
      () => true,
      () => false, // its 'error': in use
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Reads `socket` to its end, or until it is destroyed, and gives the text that came. */
export async function readToEnd(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  if (!socket.readableEnded && !socket.closed) await new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
  return text;
}
