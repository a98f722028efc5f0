/** The answers on an HTTP/1 connection, as a client reads them. */
export interface Answer {
  readonly status: number;
  readonly id: string;
  readonly closes: boolean;
  readonly body: string;
}

export class Responses {
  readonly answers: Answer[] = [];
  /** Behind an answer that switches protocols. */
  tail: string | undefined;
  /** The answer to the request with this number is that to a CONNECT. */
  readonly tunnels = new Set<number>();
  #at = 0;
  #text = '';

  /** All that has come so far. */
  read(text: string): void {
    this.#text = text;
    while (this.tail === undefined && this.#readOne());
    if (this.tail !== undefined) this.tail = text.slice(this.#at);
  }

  /** What is left of an answer that is not whole. */
  get rest(): string {
    return this.tail === undefined ? this.#text.slice(this.#at) : '';
  }

  #readOne(): boolean {
    const headEnd = this.#text.indexOf('\r\n\r\n', this.#at);
    if (headEnd === -1) return false;
    const head = this.#text.slice(this.#at, headEnd);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    const field = (name: string): string | undefined => new RegExp(`\r\n${name}: *([^\r]*)`, 'i').exec(head)?.[1];
    const bodyAt = headEnd + 4;
    if (status === 100) {
      this.#at = bodyAt;
      return true;
    }
    const closes = /close/i.test(field('connection') ?? '');
    const answer = { status, id: field('x-id') ?? '', closes };
    if (status === 101 || (status === 200 && this.tunnels.has(this.answers.length))) {
      this.answers.push({ ...answer, body: '' });
      this.#at = bodyAt;
      this.tail = '';
      return false;
    }
    const length = field('content-length');
    const body = length === undefined ? this.#chunked(bodyAt) : this.#counted(bodyAt, Number(length));
    if (body === undefined) return false;
    this.answers.push({ ...answer, body });
    return true;
  }

  #counted(from: number, length: number): string | undefined {
    if (this.#text.length < from + length) return undefined;
    this.#at = from + length;
    return this.#text.slice(from, this.#at);
  }

  #chunked(from: number): string | undefined {
    let body = '';
    for (let at = from; ; ) {
      const lineEnd = this.#text.indexOf('\r\n', at);
      if (lineEnd === -1) return undefined;
      const length = parseInt(this.#text.slice(at, lineEnd), 16);
      const end = lineEnd + 2 + length + 2;
      if (this.#text.length < end) return undefined;
      body += this.#text.slice(lineEnd + 2, end - 2);
      at = end;
      if (length > 0) continue;
      this.#at = at;
      return body;
    }
  }
}
