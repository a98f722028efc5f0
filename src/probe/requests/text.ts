/** Text of the user's, or a goodbye: whatever comes back is the answer, and nobody knows when it is whole. */
import { escaped } from '../escape.js';
import type { Reply, Request } from './request.js';

const FIRST_LINE = 200;

export class TextReply implements Reply {
  #first: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): undefined {
    if (this.#first.length < FIRST_LINE) this.#first = Buffer.concat([this.#first, chunk.subarray(0, FIRST_LINE)]);
  }

  get isWhole(): undefined {
    return undefined;
  }

  get summary(): string | undefined {
    return this.#first.length === 0 ? undefined : `"${escaped(this.#first, 40)}"`;
  }
}

export function textRequest(text: Buffer | string, name = `"${escaped(text, 40)}"`): Request {
  return { name, bytes: Buffer.from(text), reply: new TextReply() };
}
