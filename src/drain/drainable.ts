/** Servers that can be drained. */
import * as net from 'node:net';
import { argumentError, drainOptions, isInstance } from '../arguments.js';
import { connectionCount } from '../node/http.js';
import { unsupported } from '../node/runtime.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { ServerDrain } from './server.js';

/** A server that `drainable` made drainable. */
export interface DrainableServer {
  /**
   * Stops listening, lets everything in work end, and closes each connection: by a two-way shutdown, and without TLS by an end on both sides. A second call joins the first; a shorter
   * `grace` in it, or its `force`, shortens it. After the end it gives the same report, until the server listens again. While it runs, it keeps the process
   * alive, and `server.close()` and `closeIdleConnections()` destroy nothing: the callback of `close()` comes after it.
   *
   * @throws (rejects) as `drainSockets`
   */
  drain(options?: DrainOptions): Promise<DrainReport>;
  /** From the call of `drain` on, until the server listens again. A drain that still runs then keeps its connections, and takes no new ones. */
  readonly draining: boolean;
  /**
   * Aborted once a drain has stopped the listening: ends event streams, long polls and loops. A new one when the server listens again. An answer that is
   * made when it is aborted says `Connection: close`.
   */
  readonly signal: AbortSignal;
  /** Those still in the handshake too. */
  readonly connections: number;
  /** `drain()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const made = new WeakMap<net.Server, ServerDrain>();
const servers = new WeakMap<DrainableServer, net.Server>();

/**
 * What this was made of, by `drainable`.
 *
 * @internal
 */
export function serverOf(drains: DrainableServer): net.Server | undefined {
  return servers.get(drains);
}

/**
 * Makes `server` drainable; `options` are the defaults of its `drain()`. One with TLS is watched, as by `watch(server)`, and an idle keep-alive connection that
 * times out is closed by `close_notify` from now on, unless the server has a `'timeout'` listener. Called again, also
 * after `listen()`, it gives the same object, and `options` go before those of an earlier call.
 *
 * @param server of `node:https`, `node:tls`, `node:http2` (secure or plain), `node:http` or `node:net`; before `listen()`
 * @throws TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, the latter also for a server that has connections already;
 * RangeError `ERR_OUT_OF_RANGE`; on Bun TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` for one of `node:http` or `node:https`
 * @example
 * const draining = drainable(https.createServer({ key, cert }, listener), { grace: 20_000 });
 * // later
 * const { complete, forced } = await draining.drain();
 */
export function drainable(server: net.Server, options: DrainOptions = {}): DrainableServer {
  if (!isInstance(server, net.Server)) throw unsupported(server, 'drain') ?? argumentError('server', 'an instance of net.Server: of node:tls, https, http2, http or net', server);
  const checked = drainOptions(options);
  const before = made.get(server);
  if (before !== undefined) {
    if (Object.keys(checked).length > 0) before.defaults.unshift(checked);
    return before;
  }
  if (connectionCount(server) > 0) throw argumentError('server', 'without connections: call drainable() before listen()', server, 'ERR_INVALID_ARG_VALUE');
  const drains = new ServerDrain(server, checked);
  made.set(server, drains);
  servers.set(drains, server);
  return drains;
}

/**
 * As `drainable`, for a server that nobody may have made drainable. The program's own options go before `fallback`. `undefined` if it has connections already.
 *
 * @internal
 */
export function drainableWith(fallback: DrainOptions, server: net.Server): DrainableServer | undefined {
  const before = made.get(server);
  if (before === undefined) return connectionCount(server) > 0 ? undefined : drainable(server, fallback);
  if (!before.defaults.includes(fallback)) before.defaults.push(fallback);
  return before;
}
