/** Where one HTTP/2 frame ends and the next may begin in a stream of bytes, told by the frames' headers alone (RFC 9113 section 4.1). */

const HEADER_LENGTH = 9;
const HEADERS = 1;
const PUSH_PROMISE = 5;
const GOAWAY = 7;
const CONTINUATION = 9;
const END_HEADERS = 4;

/** 2^31-1 as the last stream: a notice, after which new streams are still served (RFC 9113 section 6.8). No error, stream 0. */
export const GOAWAY_NOTICE: Uint8Array = Uint8Array.of(0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0);

export class FrameCounter {
  /** A GOAWAY is among the frames. */
  goaway = false;
  /** Payload bytes of the current frame that are still to come. */
  #payload = 0;
  /** Bytes of the current frame's header that have come. */
  #header = 0;
  #length = 0;
  #type = 0;
  /** Between HEADERS and the last CONTINUATION no other frame may stand (section 6.10). */
  #inHeaderBlock = false;
  #begun = false;

  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payload > 0) {
        const part = Math.min(this.#payload, bytes.length - at);
        this.#payload -= part;
        at += part;
      } else {
        this.#addHeaderByte(bytes[at++]!);
      }
    }
  }

  #addHeaderByte(byte: number): void {
    const index = this.#header++;
    if (index < 3) this.#length = (this.#length << 8) | byte;
    else if (index === 3) this.#type = byte;
    else if (index === 4) this.#flags(byte);
    if (this.#header < HEADER_LENGTH) return;
    this.#header = 0;
    this.#payload = this.#length;
    this.#length = 0;
    this.#begun = true;
  }

  #flags(flags: number): void {
    if (this.#type === HEADERS || this.#type === PUSH_PROMISE || this.#type === CONTINUATION) this.#inHeaderBlock = (flags & END_HEADERS) === 0;
    else if (this.#type === GOAWAY) this.goaway = true;
  }

  /** Whether a frame of ours may stand here. Not as the very first one: that is the server's SETTINGS (section 3.4). */
  get between(): boolean {
    return this.#begun && this.#payload === 0 && this.#header === 0 && !this.#inHeaderBlock;
  }
}
