/** What the two ends send each other: bytes that can be made anew by whoever knows their name. peer.py makes the same. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

export const bytesOf = (name: string, length: number): Buffer => createHash('shake128', { outputLength: length }).update(name).digest();

/** What came, to be compared with what was sent. */
export interface Got {
  readonly length: number;
  readonly sha256: string;
}

export const gotOf = (bytes: Buffer): Got => ({ length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });

/** Of a stream that flows from now on: what it has given so far, at any time. */
export function collect(stream: Readable): () => Buffer {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
}

/** Says what is wrong, or nothing. */
export function compare(who: string, got: Got, name: string, length: number): string[] {
  const sent = gotOf(bytesOf(name, length));
  if (got.length !== sent.length) return [`${who} got ${got.length} of ${sent.length} bytes`];
  return got.sha256 === sent.sha256 ? [] : [`${who} got other bytes than were sent`];
}
