/** Methods of a socket replaced by the caller, in the ways that tools for monitoring do it: an assignment, a property of its own, a getter. */
import type { TLSSocket } from 'node:tls';

export const REPLACED = ['write', 'end', 'destroy', 'destroySoon', 'on', 'once', 'off', 'removeListener', 'emit', 'push', 'read', 'pause', 'resume', '_final', '_destroy', '_read', '_write'] as const;
type Name = (typeof REPLACED)[number];
type Method = (this: unknown, ...rest: unknown[]) => unknown;

export interface Replacement {
  readonly name: Name;
  readonly way: string;
  readonly descriptor: PropertyDescriptor;
  /** Nobody watched the socket then. */
  readonly wasFirst: boolean;
  calls: number;
}

const WAYS: Readonly<Record<string, (method: Method) => PropertyDescriptor>> = {
  assigned: (value) => ({ value, writable: true, enumerable: true, configurable: true }),
  defined: (value) => ({ value, writable: true, enumerable: false, configurable: true }),
  'not writable': (value) => ({ value, writable: false, enumerable: false, configurable: true }),
  'a getter': (method) => ({ get: () => method, enumerable: false, configurable: true }),
  'a getter and a setter': (method) => {
    let current: unknown = method;
    return { get: () => current, set: (value) => (current = value), enumerable: true, configurable: true };
  },
};

export function replace(socket: TLSSocket, n: number, known: readonly Replacement[], wasFirst: boolean): Replacement | undefined {
  const name = REPLACED[n % REPLACED.length]!;
  if (known.some((one) => one.name === name)) return undefined;
  const original = socket[name] as Method;
  const method: Method = function (...rest) {
    replacement.calls++;
    return original.apply(this, rest);
  };
  const ways = Object.keys(WAYS).filter((each) => name !== 'write' || !['not writable', 'a getter'].includes(each)); // Node assigns to it at the peer's end
  const way = ways[Math.floor(n / REPLACED.length) % ways.length]!;
  const replacement: Replacement = { name, way, descriptor: WAYS[way]!(method), wasFirst, calls: 0 };
  Object.defineProperty(socket, name, replacement.descriptor);
  return replacement;
}

export function isInPlace(socket: TLSSocket, { name, descriptor }: Replacement): boolean {
  const now = Object.getOwnPropertyDescriptor(socket, name);
  return now !== undefined && Object.entries(descriptor).every(([field, value]) => now[field as keyof PropertyDescriptor] === value);
}
