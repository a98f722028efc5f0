/** A `TLSSocket` over one of Node's own handles has the address and some methods of its transport. One over a stream has not, so it gets them here. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

const METHODS = ['ref', 'unref', 'setNoDelay', 'setKeepAlive'] as const;
const FIELDS = ['localAddress', 'localFamily', 'localPort', 'remoteAddress', 'remoteFamily', 'remotePort'] as const;

/** Makes them those of `transport`. `setTimeout` is not among them: it counts what the TLS socket itself reads and writes. */
export function forwardSocketMethods(socket: TLSSocket, transport: Duplex): void {
  if (!(transport instanceof Socket)) return;
  for (const name of METHODS) {
    const method = transport[name] as (...args: unknown[]) => unknown;
    define(socket, name, { value: (...args: unknown[]) => (method.apply(transport, args), socket), writable: true });
  }
  define(socket, 'address', { value: () => transport.address(), writable: true });
  for (const name of FIELDS) define(socket, name, { get: () => transport[name] });
}

function define(socket: TLSSocket, name: string, descriptor: PropertyDescriptor): void {
  Object.defineProperty(socket, name, { ...descriptor, configurable: true });
}
