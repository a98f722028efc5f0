/**
 * Node's HTTP/2 client: one session, several streams at a time. When a GOAWAY comes, the next request opens a new session. What a request's fate
 * was is read off the frames that went out: one whose HEADERS never did failed inside this client, and is sent again.
 */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import http2, { type ClientHttp2Session } from 'node:http2';
import tls, { type TLSSocket } from 'node:tls';
import { PATIENCE, count, keepLoading, tally, type Ports, type Send } from './client.js';

const PREFACE = 24;
const FRAME_HEADER = 9;
const HEADERS = 1;

/** The connection, and which streams have begun on it. */
class Tap extends Duplex {
  readonly streams = new Set<number>();
  readonly #socket: TLSSocket;
  /** Bytes until the next frame. */
  #skip = PREFACE;
  #header = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk) => this.push(chunk) || socket.pause());
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  get alpnProtocol(): string | false | null {
    return this.#socket.alpnProtocol;
  }

  #see(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const skipped = Math.min(this.#skip, rest.length);
      rest = rest.subarray(skipped);
      this.#skip -= skipped;
      if (this.#skip > 0) return;
      const missing = FRAME_HEADER - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#header.length < FRAME_HEADER) return;
      if (this.#header[3] === HEADERS) this.streams.add(this.#header.readUInt32BE(5));
      this.#skip = this.#header.readUIntBE(0, 3);
      this.#header = Buffer.alloc(0);
    }
  }

  override _read(): void {
    this.#socket.resume();
  }
  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#see(chunk);
    this.#socket.write(chunk, callback);
  }
  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}

interface Connection {
  session: ClientHttp2Session;
  tap: Tap;
}

let current: Promise<Connection> | undefined;

async function connect(port: number): Promise<Connection> {
  const socket = count(tls.connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false }));
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    current = undefined;
    throw error;
  }
  const tap = new Tap(socket);
  const session = http2.connect(`https://127.0.0.1:${port}`, { createConnection: () => tap });
  const leave = (): void => {
    if (mine === current) current = undefined;
  };
  const mine = current;
  session.on('goaway', leave).on('close', leave).on('error', leave);
  return { session, tap };
}

class Unsent extends Error {}

async function attempt({ path, upload, port }: Parameters<Send>[0]): Promise<Buffer> {
  const { session, tap } = await (current ??= connect(port));
  if (session.closed || session.destroyed) throw new Unsent();
  const stream = session.request({ ':path': path, ':method': upload === undefined ? 'GET' : 'POST' });
  let status: unknown;
  const chunks: Buffer[] = [];
  stream.on('response', (headers) => (status = headers[':status']));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(upload);
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    stream.setTimeout(PATIENCE, () => stream.destroy(new Error('no answer')));
    stream.on('error', (error) => (failure = error));
    stream.on('close', () => {
      if (failure === undefined && status === 200 && stream.rstCode === 0) resolve(Buffer.concat(chunks));
      else if (stream.id === undefined || !tap.streams.has(stream.id)) reject(new Unsent());
      else reject(failure ?? new Error(`status ${String(status)}, reset ${stream.rstCode}`));
    });
  });
}

const send: Send = async (request) => {
  for (;;) {
    try {
      return await attempt(request);
    } catch (error) {
      if (!(error instanceof Unsent)) throw error;
      tally.unsent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
};

export const run = ({ http2: port }: Ports): Promise<void> => keepLoading(send, [port]);
