/** Methods as a tool for monitoring defines them on an object: by a getter, or so that they can't be assigned to. */
type Method = (this: unknown, ...rest: unknown[]) => unknown;

export const WAYS: Readonly<Record<string, (method: Method) => PropertyDescriptor>> = {
  'a getter': (method) => ({ get: () => method, configurable: true }),
  'a method that is not writable': (value) => ({ value, writable: false, configurable: true }),
  'a writable method that is not configurable': (value) => ({ value, writable: true, configurable: false }),
};

/** Defines it, and counts its calls. */
export function define(holder: object, name: string, way: string): () => number {
  const original = (holder as Record<string, Method>)[name]!;
  let calls = 0;
  const method: Method = function (...rest) {
    calls++;
    return original.apply(this, rest);
  };
  Object.defineProperty(holder, name, WAYS[way]!(method));
  return () => calls;
}
