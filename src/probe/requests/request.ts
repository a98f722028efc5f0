/** What is sent to a server so that it answers. */

/** What came back for it. */
export interface Reply {
  /** More of it. What has to be sent for that, as HTTP/2 wants it, is returned. */
  feed(chunk: Buffer): Buffer | undefined;
  /** All of it is there. `undefined`: only the end of the connection tells. */
  readonly isWhole: boolean | undefined;
  /** What came, in a few words; escaped. `undefined`: nothing. */
  readonly summary: string | undefined;
}

export interface Request {
  /** In the ladder. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly reply: Reply;
}

/** Who is asked, by name. */
export interface Authority {
  /** For the Host header and the like: the name and, if it is not the usual one, the port. */
  readonly authority: string;
  /** The name, or the address. */
  readonly name: string;
}

/** Whether it asks the server to close, or to keep the connection open behind the answer. */
export type Wish = 'close' | 'keep';
