/** Whether a stream can carry TLS, and the bytes that it gives. */
import type { Duplex } from 'node:stream';
import { types } from 'node:util';

/** `undefined` if they are none: text, or an object. Streams of other libraries may give any view of memory. */
export function bytesOf(chunk: unknown): Buffer | undefined {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return types.isAnyArrayBuffer(chunk) ? Buffer.from(chunk) : undefined;
}

export const HAS_READABLE = "has a 'readable' listener";
export const HAS_NO_BYTES = 'has an encoding set or is in object mode, so its bytes are lost';

export function whyUnusable(transport: Duplex): Error | undefined {
  if (transport.destroyed) return streamError('ERR_STREAM_DESTROYED', 'is destroyed');
  if (transport.readableEnded || transport.writableEnded) return streamError('ERR_STREAM_PREMATURE_CLOSE', 'has ended');
  if (transport.listenerCount('readable') > 0) return streamError('ERR_STREAM_WRAP', HAS_READABLE);
  if (transport.readableEncoding || transport.readableObjectMode) return streamError('ERR_STREAM_WRAP', HAS_NO_BYTES);
  return undefined;
}

export function streamError(code: string, what: string): Error {
  return Object.assign(new Error(`wrap: the transport ${what}`), { code });
}
