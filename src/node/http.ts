/**
 * Servers.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `server._connections` | whether a server has connections already | always | taken for none |
 * | a `Symbol(http.server.connections)` of a server | `idle()`: which parsers are between two requests | 18 | a half-sent request does not hold the close of its connection up |
 * | a `Symbol(http.server.connectionsCheckingInterval)` | to be cleared when a server has stopped | 18 | it goes on, unref'd |
 */
import type net from 'node:net';

/** How many connections a server has. */
export function connectionCount(server: net.Server): number {
  const { _connections } = server as unknown as { _connections?: unknown };
  return typeof _connections === 'number' ? _connections : 0;
}

function symbolField(server: net.Server, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(server).find((candidate) => candidate.description === description);
  return symbol === undefined ? undefined : (server as unknown as Record<symbol, unknown>)[symbol];
}

/** The sockets of an HTTP server whose parsers are between two requests; `undefined` if it can't be told. */
export function idleHttpSockets(server: net.Server): Set<unknown> | undefined {
  const list = symbolField(server, 'http.server.connections') as { idle?(): { socket?: unknown }[] } | undefined;
  return typeof list?.idle === 'function' ? new Set(list.idle().map((parser) => parser.socket)) : undefined;
}

/** Ends the checks for time-outs that an HTTP server makes until its own `close()`, which would destroy connections. */
export function stopCheckingConnections(server: net.Server): void {
  clearInterval(symbolField(server, 'http.server.connectionsCheckingInterval') as NodeJS.Timeout | undefined);
}
