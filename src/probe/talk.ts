/** What is said in plaintext before TLS: read answer by answer, and not a byte more. */
import { escaped } from './escape.js';
import type { Story } from './story.js';
import type { Tap } from './tap.js';
import { firstOf } from './waiting.js';

/** No answer before TLS is as long as that. */
const MAX_ANSWER = 65_536;

/** The server did not want TLS, or said what nobody understands. */
export class StarttlsRefused extends Error {
  constructor(answer: Buffer | string) {
    super(`the server refused STARTTLS: "${escaped(typeof answer === 'string' ? answer.trimEnd() : answer)}"`);
  }
}

export class Talk {
  #received: Buffer = Buffer.alloc(0);
  readonly #tap: Tap;
  readonly #story: Story;

  constructor(tap: Tap, story: Story) {
    this.#tap = tap;
    this.#story = story;
  }

  say(bytes: Buffer | string, name = escaped(bytes.toString().trimEnd(), 50)): void {
    this.#story.add('us', name);
    this.#tap.write(bytes);
  }

  /** The answer that `pattern` matches. */
  async read(pattern: RegExp): Promise<string> {
    const answer = await this.readBytes((bytes) => pattern.exec(bytes.toString('latin1'))?.[0].length);
    return answer.toString('latin1');
  }

  /** The answer that is as long as `length` says; `undefined` while that is not known. */
  async readBytes(length: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const wanted = this.#received.length === 0 ? undefined : length(this.#received);
      if (wanted !== undefined && wanted <= this.#received.length) return this.#take(wanted);
      if (Math.max(wanted ?? 0, this.#received.length) > MAX_ANSWER) throw new StarttlsRefused(this.#received);
      await this.#more();
    }
  }

  #take(length: number): Buffer {
    const answer = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    this.#story.add('it', escaped(answer.toString('latin1').trimEnd(), 50));
    return answer;
  }

  async #more(): Promise<void> {
    for (let chunk = this.#read(); ; chunk = this.#read()) {
      if (chunk !== null) return void (this.#received = Buffer.concat([this.#received, chunk]));
      if (this.#tap.finCame || this.#tap.destroyed) throw new Error(`the server ended the connection before TLS${this.#received.length > 0 ? `, behind "${escaped(this.#received)}"` : ''}`);
      await firstOf([this.#tap, 'readable', 'end', 'close']);
    }
  }

  #read(): Buffer | null {
    return this.#tap.read() as Buffer | null;
  }

  /** TLS begins. Nobody may have sent anything before it that has not been read: it would pass for a part of what comes through TLS (CVE-2011-0411). */
  end(): void {
    const rest = Buffer.concat([this.#received, this.#read() ?? Buffer.alloc(0)]);
    if (rest.length > 0) throw new Error(`${rest.length} bytes of plaintext stand behind the answer to STARTTLS (CVE-2011-0411): "${escaped(rest)}"`);
  }
}
