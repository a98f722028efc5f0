/** A server that closes in every way, so that clients can be tested. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import tls, { type Server, type TLSSocket } from 'node:tls';
import { argumentError } from '../../arguments.js';
import { drainable, getShutdown, type DrainableServer } from '../../index.js';
import { checkIdentity, checkMilliseconds, checkPort } from '../options.js';
import type { CloseKind, ServeOptions, Serving } from '../types.js';
import { makeIdentity, type Identity } from './certificate.js';
import { Connection } from './connection.js';
import { KINDS } from './kinds.js';

const DEFAULT_IDLE = 5000;
const DEFAULT_DELAY = 2000;
/** Milliseconds for the drain at the end. */
const GRACE = 5000;
/** Finds out, for want of any word of theirs, that clients are gone. */
const KEEP_ALIVE = 10_000;

/** With what a program may do more than a caller of `serve`. @internal */
export interface Running extends Serving {
  readonly drainables: readonly DrainableServer[];
}

interface Complete {
  readonly kinds: readonly CloseKind[];
  readonly port: number;
  readonly host: string;
  readonly idle: number;
  readonly delay: number;
  readonly given: Identity | undefined;
}

function serveOptions(options: unknown): Complete {
  if (typeof options !== 'object' || options === null) throw argumentError('options', 'an object', options);
  const { close, port = 0, host = '127.0.0.1', cert, key, idle = DEFAULT_IDLE, delay = DEFAULT_DELAY } = options as ServeOptions;
  if (close !== undefined && !Object.hasOwn(KINDS, close)) throw argumentError('options.close', `one of ${Object.keys(KINDS).join(', ')}`, close, typeof close === 'string' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE');
  checkPort('options.port', port, 0);
  if (typeof host !== 'string' || host === '') throw argumentError('options.host', 'an address, or a name of this machine', host);
  checkIdentity(undefined, cert, key);
  checkMilliseconds('options.idle', idle);
  checkMilliseconds('options.delay', delay, 0);
  const given = cert === undefined || key === undefined ? undefined : { cert: cert.toString(), key: key.toString() };
  const kinds = close === undefined ? (Object.keys(KINDS) as CloseKind[]) : [close];
  checkPort('options.port, and those behind it,', port === 0 ? 0 : port + kinds.length - 1, 0);
  return { kinds, port, host, idle, delay, given };
}

/** Is told how each client ended its side. */
type Log = (line: string) => void;

interface Means {
  readonly idle: number;
  readonly delay: number;
  readonly log: Log | undefined;
}

/** `serve`, and what its program needs besides. @internal */
export async function run(options: ServeOptions, log?: Log): Promise<Running> {
  const { kinds, port, host, idle, delay, given } = serveOptions(options);
  const { cert, key } = given ?? (await makeIdentity());
  const servers = kinds.map((kind) => makeServer({ cert, key }, kind, { idle, delay, log }));
  const drainables = servers.map((server) => drainable(server, { grace: GRACE, timeout: GRACE }));
  const close = async (): Promise<void> => void (await Promise.all(drainables.map((each) => each.drain())));
  try {
    for (const [index, server] of servers.entries()) {
      server.listen(port === 0 ? 0 : port + index, host);
      await once(server, 'listening');
    }
  } catch (error) {
    await close();
    throw error;
  }
  const ports = servers.map((server, index) => ({ close: kinds[index]!, port: (server.address() as AddressInfo).port }));
  return { host, servers: ports, cert, close, [Symbol.asyncDispose]: close, drainables };
}

function makeServer(identity: Identity, kind: CloseKind, { idle, delay, log }: Means): Server {
  const server = tls.createServer({ ...identity, allowHalfOpen: true });
  const raws = new Map<string, Socket>();
  server.on('connection', (raw) => {
    const name = peerOf(raw);
    raws.set(name, raw.setKeepAlive(true, KEEP_ALIVE));
    raw.once('close', () => raws.delete(name));
  });
  server.on('secureConnection', (socket) => {
    const raw = raws.get(peerOf(socket));
    if (raw === undefined) return void socket.destroy(); // the client is gone already
    const version = socket.getProtocol();
    socket.once('close', () => log?.(`${kind.padEnd(10)} ${version}, the client ended by ${getShutdown(socket).received}\n`));
    new Connection({ socket, raw, delay }, kind, idle);
  });
  return server;
}

function peerOf({ remoteAddress, remotePort }: Socket | TLSSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Starts servers on this machine that close in every way, each at a port of its own, or in the one way that `close` names. They speak HTTP/1.1 if they are
 * asked so. Otherwise they echo one line, and close. It is what `npx tls-graceful-shutdown serve` runs.
 *
 * @throws (rejects) TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE` for a caller's mistake; the error of `listen()`; an
 * `Error` if neither a certificate is given nor the `openssl` program can make one
 * @example
 * await using serving = await serve({ close: 'fin' });
 * const [{ port }] = serving.servers;
 */
export async function serve(options: ServeOptions = {}): Promise<Serving> {
  const { host, servers, cert, close } = await run(options);
  return { host, servers, cert, close, [Symbol.asyncDispose]: close };
}
