/** What server and clients agree on. */
import { createRequire } from 'node:module';

/** Of each answer. */
export const LENGTH = 2000;
/** Milliseconds until a request has failed. */
export const PATIENCE = 10_000;
/** Requests at a time. */
export const LOOPS = 8;

/** One in four is a POST, with this body. */
export const BODY = Buffer.alloc(1000, 'u');
export const isPost = (number: number): boolean => number % 4 === 3;

/** A package of the package.json beside the sources of this script. */
export function load<T>(name: string): T {
  return createRequire(new URL('../../../scripts/http2-clients/package.json', import.meta.url))(name) as T;
}

/** What a client tells at its end. */
export interface Told {
  /** That the caller made, each once. Each has a path of its own. */
  requests: number;
  /** That the caller had to send again, since the client did not. No server had acted on them. */
  repeatedByCaller: number;
  /** Without a whole answer in the end. */
  failed: [path: string, method: string, why: string][];
}
