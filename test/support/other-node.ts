/** A Node one of whose undocumented fields is gone, or is not what it was: for this package only, since Node itself needs it. */
import { ServerResponse } from 'node:http';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';

interface Holder {
  _handle?: Holder | null;
  _parent?: Holder | null;
  onread?: unknown;
  shutdown?: unknown;
  [name: PropertyKey]: unknown;
}

/** Whether a line of src/ asks, which is the caller of the accessor that calls this. */
function asksPackage(accessor: (...args: never[]) => unknown): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const at: { stack?: string } = {};
  Reflect.set(Error, 'prepareStackTrace', undefined);
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(at, accessor);
  Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  Error.stackTraceLimit = stackTraceLimit;
  return /\/build\/src\//.test(at.stack ?? '');
}

function descriptorOf(holder: object, name: PropertyKey): PropertyDescriptor | undefined {
  for (let at: object | null = holder; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** From now on this package finds `other` there. What Node and this package set is kept. */
export function hide(holder: unknown, name: PropertyKey, other: unknown): void {
  if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) return;
  const before = descriptorOf(holder, name);
  if (before === undefined) return;
  let value = before.value as unknown;
  function set(this: object, given: unknown): void {
    if (before!.set !== undefined) before!.set.call(this, given);
    else if (this !== holder) Object.defineProperty(this, name, { configurable: true, writable: true, value: given });
    else value = given;
  }
  function get(this: object): unknown {
    if (asksPackage(get)) return other;
    return before!.get !== undefined ? before!.get.call(this) : value;
  }
  Object.defineProperty(holder, name, { configurable: true, enumerable: true, get, set });
}

/** Each layer's handle: of TLS in TLS there are two of TLS. */
function layers(socket: TLSSocket): Holder[] {
  const all: Holder[] = [];
  for (let handle = (socket as unknown as Holder)._handle; handle; handle = handle._parent) all.push(handle);
  return all;
}

/** `_handle.readStart()` is that of each TLS layer, and `_parent.readStart()` that of what is under it. */
function holdersOf(socket: TLSSocket, path: readonly string[]): unknown[] {
  const [first, ...rest] = path;
  const all = layers(socket);
  if (first === 'socket') return [socket];
  if (first !== '_handle' && first !== '_parent') return [(socket as unknown as Holder)[first!]];
  const tops = first === '_handle' ? all.filter((handle) => handle._parent) : all.slice(1);
  return tops.map((top) => rest.reduce<unknown>((holder, name) => (holder as Holder | undefined)?.[name], top));
}

/** Hides `field`, as it is called in the tables of src/node/, of one socket. */
export function hideOf(socket: TLSSocket, field: string, other: unknown): void {
  const special = SPECIAL[field];
  if (special !== undefined) return special(socket, other);
  const path = field.replace(/\(.*\)$/, '').split('.');
  const name = path.pop()!;
  const holders = field === 'writeQueueSize' ? layers(socket) : path.length === 0 ? [socket] : holdersOf(socket, path);
  for (const holder of holders) hide(holder, name, other);
}

const SPECIAL: Readonly<Record<string, (socket: TLSSocket, other: unknown) => void>> = {
  'the class of _parent': (socket) => {
    for (const parent of layers(socket).slice(1)) hide(parent, 'constructor', class Other {});
  },
  // A Node that has it elsewhere.
  'net.Socket.prototype._final': (socket) => void Object.defineProperty(socket, '_final', { configurable: true, writable: true, value: netFinal }),
  '_handle.hasRef()': (socket, other) => layers(socket).slice(1).forEach((parent) => hide(parent, 'hasRef', other)),
  onStreamRead: (socket) => {
    const real = layers(socket)[0]!.onread as (...args: unknown[]) => void;
    function onRead(this: unknown, ...args: unknown[]): void {
      real.apply(this, args);
    }
    hide(layers(socket)[0], 'onread', onRead);
  },
};

const netFinal = net.Socket.prototype._final;
type Final = (this: Holder, done: (error?: Error) => void) => void;

/** What is not to be found on a socket. To be called before this package is imported. */
export function hideOfNode(field: string, other: unknown): void {
  const { prototype } = net.Socket as unknown as { prototype: Holder };
  const method = (final: Final): void => void Object.defineProperty(prototype, '_final', { configurable: true, writable: true, value: final });
  const real = netFinal as unknown as Final;
  if (field === 'onStreamRead') renameInStacks(/onStreamRead/g, 'onRead');
  if (field === 'net.Socket.prototype._final') hide(prototype, '_final', other);
  if (field === 'handle.shutdown()') {
    method(function (done) {
      if (this instanceof net.Socket) real.call(this, done);
      else done(); // it looks for a method of another name
    });
  }
  if (field === 'request.oncomplete') {
    method(function (done) {
      const handle = this._handle as unknown as { shutdown(request: object): unknown };
      if (this instanceof net.Socket) return real.call(this, done);
      // A request that calls a method of another name.
      const shutdown = (request: object): unknown => {
        const renamed = other === undefined ? {} : { oncomplete: other };
        requests.set(renamed, request);
        return handle.shutdown(renamed);
      };
      real.call({ ...this, _handle: Object.create(handle, { shutdown: { value: shutdown } }) as Holder }, done);
    });
  }
}

const requests = new WeakMap<object, object>();

/** Of a request that is not Node's own, to which it belongs. */
export function takesRenamedRequests(socket: TLSSocket): void {
  for (const handle of layers(socket)) {
    const shutdown = handle.shutdown as (request: object) => unknown;
    handle.shutdown = (request: object) => shutdown.call(handle, requests.get(request) ?? request);
  }
}

/** Of an HTTP server: hides `field` when a request has come. */
export function hideOfHttp(response: ServerResponse, field: string, other: unknown): void {
  const { socket } = response.req as unknown as { socket: Holder };
  const { server } = socket as { server: Holder };
  if (field === 'server._connections') hide(server, '_connections', other);
  if (field.startsWith('Symbol(')) {
    const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connectionsCheckingInterval')!;
    Object.defineProperty(server, Symbol('another name'), { value: server[symbol] });
    Reflect.deleteProperty(server, symbol);
  }
  if (field === '_last') hide(response, '_last', other);
}

/** Of a connection of an HTTP server, when Node has given it a parser. */
export function hideOfParser(socket: net.Socket, field: string, other: unknown): void {
  const { parser } = socket as unknown as { parser: Holder };
  if (field === 'socket.parser' || field === 'socket.server') hide(socket, field.slice('socket.'.length), other);
  if (field === 'parser.onIncoming') hide(parser, 'onIncoming', other);
  if (field === 'kOnMessageBegin') hide(parser.constructor, 'kOnMessageBegin', other);
}

/** The same, of every connection, before there is one. */
export function hideOfEveryHttp(field: string, other: unknown): void {
  if (field === '_storeHeader()') hide(ServerResponse.prototype, '_storeHeader', other);
  if (field.startsWith("the socket's own destroy")) {
    net.Socket.prototype.destroySoon = function () {
      if (this.writable) this.end();
      if (this.writableFinished) this.destroy();
      else this.once('finish', () => this.destroy());
    };
  }
}

function renameInStacks(name: RegExp, other: string): void {
  const { captureStackTrace } = Error;
  Error.captureStackTrace = (at: { stack?: string }, callee) => {
    captureStackTrace(at, callee);
    const { stack } = at;
    if (stack !== undefined) at.stack = stack.replace(name, other);
  };
}
