/**
 * Node's HTTP/2 client: one session, several streams at a time. When a GOAWAY comes, the next request opens a new session. What a request's fate
 * was is read off the frames that went out: one whose HEADERS never did failed inside this client, and is sent again. To see the frames the client
 * speaks plain TCP to a tap in this process, and that TLS to the server. (A `createConnection` with a Duplex would be simpler: Node 20 aborts by an
 * assertion of its own there, in JSStreamSocket.doWrite, when a session ends.)
 */
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { setImmediate } from 'node:timers/promises';
import { PATIENCE, count, keepLoading, tally, type Ports, type Send } from './client.js';

const PREFACE = 24;
const FRAME_HEADER = 9;
const HEADERS = 1;

/** Which streams have begun on a connection. */
class Tap {
  readonly streams = new Set<number>();
  /** Bytes until the next frame. */
  #skip = PREFACE;
  #header: Buffer = Buffer.alloc(0);

  see(chunk: Buffer): void {
    let rest = chunk;
    for (;;) {
      const skipped = Math.min(this.#skip, rest.length);
      rest = rest.subarray(skipped);
      this.#skip -= skipped;
      if (this.#skip > 0 || rest.length === 0) return;
      const missing = FRAME_HEADER - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#header.length < FRAME_HEADER) return;
      if (this.#header[3] === HEADERS) this.streams.add(this.#header.readUInt32BE(5));
      this.#skip = this.#header.readUIntBE(0, 3);
      this.#header = Buffer.alloc(0);
    }
  }
}

/** By the client's port. */
const taps = new Map<number, Tap>();

async function listenBefore(port: number): Promise<number> {
  const options: tls.ConnectionOptions & { allowHalfOpen: boolean } = { host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false, allowHalfOpen: true };
  const server = net.createServer({ allowHalfOpen: true }, (plain) => {
    const tap = new Tap();
    taps.set(plain.remotePort!, tap);
    const secure = count(tls.connect(options));
    plain.on('data', (chunk: Buffer) => {
      tap.see(chunk);
      secure.write(chunk);
    });
    plain.on('end', () => secure.end());
    plain.on('error', () => secure.destroy());
    secure.pipe(plain);
    secure.on('error', () => plain.resetAndDestroy());
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Connection {
  readonly session: ClientHttp2Session;
  readonly tap: Tap;
  /** The last stream that the server said it would serve. */
  readonly goaways: number[];
}

let current: Promise<Connection> | undefined;

async function connect(port: number): Promise<Connection> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const goaways: number[] = [];
  const leave = (): void => {
    if (mine === current) current = undefined;
  };
  session.on('goaway', (_code, last) => goaways.push(last));
  session.on('goaway', leave).on('close', leave).on('error', leave);
  await Promise.resolve();
  const mine = current;
  await once(session, 'connect', { signal: AbortSignal.timeout(PATIENCE) });
  const { localPort } = session.socket;
  while (!taps.has(localPort!)) await setImmediate();
  return { session, tap: taps.get(localPort!)!, goaways };
}

/** It failed before anything of it was sent. */
class Unsent extends Error {}

async function attempt({ path, upload, port }: Parameters<Send>[0]): Promise<Buffer> {
  const { session, tap, goaways } = await (current ??= connect(port));
  if (session.closed || session.destroyed || goaways.length > 0) throw new Unsent();
  const stream = session.request({ ':path': path, ':method': upload === undefined ? 'GET' : 'POST' });
  stream.setTimeout(PATIENCE, () => stream.destroy(new Error('no answer')));
  let status: unknown;
  let failure: NodeJS.ErrnoException | undefined;
  const chunks: Buffer[] = [];
  stream.on('response', (headers) => (status = headers[':status']));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (error) => (failure = error));
  stream.end(upload);
  await new Promise((resolve) => stream.once('close', resolve));
  if (failure === undefined && status === 200 && stream.rstCode === 0) return Buffer.concat(chunks);
  if (stream.id === undefined || !tap.streams.has(stream.id)) throw new Unsent();
  const what = `${failure?.message ?? 'closed'}: status ${String(status)}, reset ${stream.rstCode}, GOAWAYs ${goaways.join()}`;
  throw Object.assign(new Error(what), { code: failure?.code });
}

const send: Send = async (request) => {
  for (;;) {
    try {
      return await attempt(request);
    } catch (error) {
      if (!(error instanceof Unsent)) throw error;
      tally.unsent++;
      await setImmediate();
    }
  }
};

export const run = async ({ http2: port }: Ports): Promise<void> => keepLoading(send, [await listenBefore(port)]);
