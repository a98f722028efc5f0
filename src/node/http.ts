/**
 * Servers.
 *
 * | field | why | since | when it is gone |
 * |---|---|---|---|
 * | `server._connections` | whether a server has connections already | always | taken for none |
 * | a `Symbol(http.server.connectionsCheckingInterval)` | to be cleared when a server has stopped | 18 | it goes on, unref'd |
 * | `socket.parser`, its `kOnMessageBegin` | called when a request begins, which a blank line is not | 12 | a half-sent request does not hold the close of its connection up |
 * | `parser.onIncoming` | called when the headers of a request are complete | always | the same |
 * | `socket._paused`, and the parser's own resume | Node has stopped the reading, since too many answers wait, and they wait for ever behind one that closes | 6 | the client's end is not seen: such a connection runs into its time-out |
 * | `_storeHeader(line, headers)` of an answer | called once, with the headers as they go out | always | an application's own `Connection: keep-alive` keeps the connection open |
 * | `_last` of an answer | whether an answer closes its connection | always | learned at the end of the answer |
 * | the socket's own destroy, which destroySoon() has listen to 'finish' | to take a destroying back that has been asked for already | 0.11 | such a connection counts as `failed` |
 * | a `Symbol(state)` of an HTTP/2 session | whether streams are open | 8.4 | a session that Node forgets to end is forced at the end of `grace` |
 * | `socket.stream` of the `net.Socket` that Node puts around a `Duplex` | which connection a plain HTTP/2 session belongs to | 4 | it is ended without its session |
 */
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type net from 'node:net';
import { Duplex } from 'node:stream';
import { loaded } from '../builtins.js';

/** How many connections a server has. */
export function connectionCount(server: net.Server): number {
  const { _connections } = server as unknown as { _connections?: unknown };
  return typeof _connections === 'number' ? _connections : 0;
}

/** What Node has put this socket around, if it is one of those. */
export function streamUnder(socket: net.Socket): Duplex | undefined {
  const { stream } = socket as { stream?: unknown };
  return stream instanceof Duplex ? stream : undefined;
}

/** Ends the checks for time-outs that an HTTP server makes until its own `close()`, which would destroy connections. */
export function stopCheckingConnections(server: net.Server): void {
  const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connectionsCheckingInterval');
  if (symbol !== undefined) clearInterval((server as unknown as Record<symbol, NodeJS.Timeout>)[symbol]);
}

/** Somebody has called `destroySoon()`, and the socket is to be destroyed as soon as it is flushed. That is taken back. @returns whether it was so */
export function takeDestroyBack(socket: net.Socket): boolean {
  if (socket.destroyed || !socket.listeners('finish').includes(socket.destroy)) return false;
  socket.off('finish', socket.destroy);
  return true;
}

/** Whether this HTTP/2 session has no stream any more. `false` if Node can't tell. */
export function isWithoutStreams(session: ServerHttp2Session): boolean {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  const state = symbol && (session as unknown as Record<symbol, Partial<Record<'streams' | 'pendingStreams', Partial<Set<unknown>>>> | undefined>)[symbol];
  return state?.streams?.size === 0 && state.pendingStreams?.size === 0;
}

interface Parser {
  onIncoming?: (...args: unknown[]) => unknown;
  [event: number]: (() => void) | null;
}

/** Asks whether a request has begun to come on this connection whose headers are not complete. For a new connection; `undefined` if Node can't tell. */
export function requestProbe(socket: Duplex): (() => boolean) | undefined {
  const { parser } = socket as { parser?: Parser | null };
  const event = (parser?.constructor as { kOnMessageBegin?: unknown } | undefined)?.kOnMessageBegin;
  const onIncoming = parser?.onIncoming;
  if (!parser || typeof event !== 'number' || parser[event] || typeof onIncoming !== 'function') return undefined;
  let isComing = false;
  // Node takes both away when the parser goes to another connection.
  parser[event] = () => {
    isComing = true;
  };
  parser.onIncoming = function (...args) {
    isComing = false;
    return Reflect.apply(onIncoming, this, args);
  };
  return () => isComing;
}

/**
 * Nothing more is written, and what comes may be thrown away: it is read also where Node stops the reading, as long as answers wait to be written. It may
 * do so at each request that still comes.
 */
export function readOn(socket: net.Socket): void {
  const paused = socket as unknown as { _paused?: unknown; parser?: { resume?(): void } | null };
  const socketOnPause = (): void => {
    if (paused._paused !== true) return;
    paused._paused = false;
    paused.parser?.resume?.();
    socket.resume();
  };
  socketOnPause();
  socket.on('pause', socketOnPause);
}

/** Whether the headers of this answer say that its connection closes. */
export function saysClose(response: ServerResponse): boolean {
  return (response as unknown as { _last?: unknown })._last === true;
}

type Headers = [name: unknown, value: unknown][];
type StoreHeader = (this: ServerResponse, line: string, headers: unknown) => void;

/**
 * The headers of `response`, when they are made, say `Connection: close` if `isLast()` then, whatever the application has set; `made` is called right
 * behind. An answer that switches protocols is not touched.
 */
export function closeByHeader(response: ServerResponse, isLast: () => boolean, made: () => void): void {
  const answer = response as ServerResponse & { _storeHeader?: StoreHeader };
  const store = answer._storeHeader;
  if (typeof store !== 'function') {
    if (isLast()) response.shouldKeepAlive = false;
    return;
  }
  answer._storeHeader = function (line, headers) {
    store.call(this, line, this.statusCode !== 101 && isLast() ? withClose(this, headers) : headers);
    made();
  };
}

/** Where the application has used `setHeader`, `headers` is Node's own list, which `setHeader` changes; else it is what `writeHead` was given. */
function withClose(response: ServerResponse, headers: unknown): unknown {
  const connection = (list: unknown): unknown => (list as { connection?: unknown } | undefined)?.connection;
  const before = connection(headers);
  loaded.http.ServerResponse.prototype.setHeader.call(response, 'Connection', 'close'); // it may have a setHeader of its own
  if (connection(headers) !== before) return headers;
  const list = listOf(headers);
  return list === undefined ? headers : [...list.filter(([name]) => String(name).toLowerCase() !== 'connection'), ['Connection', 'close']];
}

/** Of an object, of pairs, or of names and values in turn. Node says what is wrong with any other. */
function listOf(headers: unknown): Headers | undefined {
  if (!Array.isArray(headers)) return Object.entries(headers ?? {});
  if (headers.length === 0 || Array.isArray(headers[0])) return headers as Headers;
  if (headers.length % 2 !== 0) return undefined;
  return Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i], headers[2 * i + 1]]);
}
