/** What became of the streams of one HTTP/2 connection, by the frames that both sides have sent. */
import { constants } from 'node:http2';

const PREFACE = 24;
const HEADER = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const GOAWAY = 7;
const END_STREAM = 1;
/** "About to close": not yet the last stream. */
const NOTICE = 2 ** 31 - 1;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

function* framesIn(data: Buffer): Generator<Frame> {
  for (let at = 0; at + HEADER <= data.length; ) {
    const end = at + HEADER + data.readUIntBE(at, 3);
    if (end > data.length) return;
    yield { type: data[at + 3]!, flags: data[at + 4]!, id: data.readUInt32BE(at + 5) & NOTICE, payload: data.subarray(at + HEADER, end) };
    at = end;
  }
}

export interface Streams {
  /** By the client. */
  opened: number;
  /** Above the last stream of the GOAWAY, or by RST_STREAM. */
  refused: number;
  /** By the client, one by one, or by the end of the connection. */
  givenUp: number;
  /** None of these, and the server has not ended them. */
  cut: number;
}

export function streamsOf(fromClient: Buffer, fromServer: Buffer, clientEndedFirst: boolean): Streams {
  const opened = new Set<number>();
  const cancelled = new Set<number>();
  for (const { type, id } of framesIn(fromClient.subarray(PREFACE))) {
    if (type === HEADERS) opened.add(id);
    if (type === RST_STREAM) cancelled.add(id);
  }
  const refused = new Set<number>();
  const ended = new Set<number>();
  let last = NOTICE;
  for (const { type, flags, id, payload } of framesIn(fromServer)) {
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) ended.add(id);
    if (type === GOAWAY) last = Math.min(last, payload.readUInt32BE(0) & NOTICE);
    if (type === RST_STREAM && payload.readUInt32BE(0) === constants.NGHTTP2_REFUSED_STREAM) refused.add(id);
  }
  for (const id of opened) if (id > last) refused.add(id);
  const notEnded = [...opened].filter((id) => !ended.has(id) && !refused.has(id));
  const givenUp = clientEndedFirst ? notEnded : notEnded.filter((id) => cancelled.has(id));
  return { opened: opened.size, refused: refused.size, givenUp: givenUp.length, cut: notEnded.length - givenUp.length };
}
