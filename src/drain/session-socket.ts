/**
 * `session.socket` of a session that runs over a stream of ours is Node's stand-in for that stream (internally a `JSStreamSocket`). Users and
 * frameworks read the TLS socket there, also as `req.socket`: so it is made to look like one.
 */
import type { ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const TLS = Symbol('tls-graceful-shutdown.session-socket');
type StandIn = Socket & { [TLS]: TLSSocket };

/** Of `net.Socket`. The others are of the stream that the stand-in itself is. */
const SOCKET_METHODS = ['address', 'ref', 'unref', 'setKeepAlive', 'setNoDelay', 'getTypeOfService', 'setTypeOfService'];
const SOCKET_FIELDS = ['localAddress', 'localFamily', 'localPort', 'remoteAddress', 'remoteFamily', 'remotePort', 'bytesRead', 'bytesWritten', 'bufferSize'];
/** What a `TLSSocket` has of its own. */
const TLS_FIELDS = ['alpnProtocol', 'authorizationError', 'authorized', 'encrypted', 'secureConnecting', 'servername', 'server', 'ssl'];

export function lookLikeTls(session: ServerHttp2Session, socket: TLSSocket): void {
  // The chaining methods of the proxy give what it stands for.
  const standIn = session.socket.off('tls-shutdown', () => {}) as StandIn;
  Object.setPrototypeOf(standIn, prototypeOver(Object.getPrototypeOf(standIn) as object));
  standIn[TLS] = socket;
  // The socket ends itself when the peer has. If the stand-in did too, a GOAWAY that the session then writes would fail an assertion of Node's.
  standIn.allowHalfOpen = true;
  // Node has read them off the stand-in before.
  for (const name of ['encrypted', 'alpnProtocol'] as const) Object.defineProperty(session, name, { value: socket[name], configurable: true, enumerable: true });
}

let original: object | undefined;
let disguised: object | undefined;

function prototypeOver(prototype: object): object {
  if (original !== prototype) disguised = makePrototype((original = prototype));
  return disguised!;
}

/** The stand-in's own methods, before those of a `TLSSocket` that go to the real one, before `TLSSocket.prototype` for `instanceof`. */
function makePrototype(prototype: object): object {
  const made = Object.create(TLSSocket.prototype) as object;
  for (const name of Reflect.ownKeys(TLSSocket.prototype)) {
    const inherited = descriptorOf(Socket.prototype, name);
    if (inherited !== undefined) Object.defineProperty(made, name, inherited); // TLSSocket's own is for its handle
    else forward(made, name, typeof Reflect.get(TLSSocket.prototype, name) === 'function');
  }
  for (const name of SOCKET_METHODS) if (name in Socket.prototype) forward(made, name, true);
  for (const name of [...SOCKET_FIELDS, ...TLS_FIELDS]) forward(made, name, false);
  return Object.defineProperties(made, Object.getOwnPropertyDescriptors(prototype));
}

function descriptorOf(object: object | null, name: PropertyKey): PropertyDescriptor | undefined {
  for (; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (descriptor !== undefined) return descriptor;
  }
  return undefined;
}

function forward(made: object, name: PropertyKey, isMethod: boolean): void {
  if (isMethod) Object.defineProperty(made, name, { value: forwarder(name), writable: true, configurable: true });
  else Object.defineProperty(made, name, { get: getter(name), set: setter(name), configurable: true });
}

function forwarder(name: PropertyKey) {
  return function (this: StandIn, ...args: unknown[]): unknown {
    const socket = this[TLS];
    const result: unknown = Reflect.apply(Reflect.get(socket, name) as (...args: unknown[]) => unknown, socket, args);
    return result === socket ? this : result;
  };
}
function getter(name: PropertyKey) {
  return function (this: StandIn): unknown {
    return Reflect.get(this[TLS], name);
  };
}
function setter(name: PropertyKey) {
  return function (this: StandIn, value: unknown): void {
    Reflect.set(this[TLS], name, value);
  };
}
