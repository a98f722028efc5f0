/** A raw HTTP/2 client that logs every frame, and a drainable HTTP/2 server. */
import { once } from 'node:events';
import http2, { type Http2SecureServer, type SecureServerOptions, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { drainable, type DrainableServer, type DrainOptions } from '../../src/index.js';
import { Conditions } from './conditions.js';
import { certificate, listen, track, turns, type Version } from './pair.js';

const NAMES = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY', 'WINDOW_UPDATE', 'CONTINUATION'];

export interface Frame {
  readonly name: string;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A whole GET for `path`, by HPACK's static table. */
export function get(stream: number, path = '/'): Buffer {
  return frame(1, 5, stream, Buffer.concat([Buffer.from([0x82, 0x87, 0x04, path.length]), Buffer.from(path), Buffer.from([0x41, 1, 0x78])]));
}

export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);
export const goaway = ({ payload }: Frame): [last: number, code: number] => [payload.readUInt32BE(0), payload.readUInt32BE(4)];

/** Acknowledges SETTINGS. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly raw: net.Socket;
  readonly frames: Frame[] = [];
  /** How the server's side ended. */
  end: string | undefined;
  #pending = Buffer.alloc(0);
  /** Acknowledgements that have to wait for the client's preface, which is the first thing it sends. */
  #owed: Buffer[] | undefined = [];
  readonly #conditions = new Conditions();

  constructor(raw: net.Socket, version: tls.SecureVersion) {
    this.raw = raw;
    this.socket = track(tls.connect({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false, allowHalfOpen: true, minVersion: version, maxVersion: version } as tls.ConnectionOptions));
    this.socket.on('data', (chunk: Buffer) => this.#parse(chunk));
    this.socket.on('end', () => this.#ended('end'));
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#ended(String(error.code)));
  }

  static async connect(port: number, version: tls.SecureVersion = 'TLSv1.3'): Promise<RawClient> {
    const raw = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    await once(raw, 'connect');
    const client = new RawClient(raw, version);
    await once(client.socket, 'secureConnect');
    return client;
  }

  #ended(how: string): void {
    this.end ??= how;
    this.#conditions.changed();
  }

  #parse(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 9) {
      const length = 9 + this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < length) break;
      const [type, flags] = [this.#pending[3]!, this.#pending[4]!];
      const got: Frame = { name: NAMES[type] ?? String(type), flags, stream: this.#pending.readUInt32BE(5), payload: this.#pending.subarray(9, length) };
      this.#pending = this.#pending.subarray(length);
      this.frames.push(got);
      if (got.name === 'SETTINGS' && (flags & 1) === 0) this.#answer(frame(4, 1, 0));
    }
    this.#conditions.changed();
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat([...frames, ...(this.#owed ?? [])]));
    this.#owed = undefined;
  }

  #answer(bytes: Buffer): void {
    if (this.#owed === undefined) this.send(bytes);
    else this.#owed.push(bytes);
  }

  until(condition: () => boolean): Promise<void> {
    return this.#conditions.until(condition);
  }

  of(name: string): Frame[] {
    return this.frames.filter((got) => got.name === name);
  }

  /** At the end of the answer on `stream`. */
  async answered(stream: number): Promise<void> {
    await this.until(() => this.frames.some((got) => got.stream === stream && (got.name === 'DATA' || got.name === 'HEADERS') && (got.flags & 1) === 1));
  }
}

export interface Serving {
  readonly server: Http2SecureServer;
  readonly port: number;
  readonly drains: DrainableServer;
  readonly sockets: TLSSocket[];
  readonly sessions: ServerHttp2Session[];
}

export async function serve(options: SecureServerOptions = {}, drainOptions?: DrainOptions): Promise<Serving> {
  const server = http2.createSecureServer({ ...certificate, ...options });
  const drains = drainable(server, drainOptions);
  const sockets: TLSSocket[] = [];
  const sessions: ServerHttp2Session[] = [];
  server.on('secureConnection', (socket) => sockets.push(track(socket)));
  server.on('session', (session) => sessions.push(session));
  server.on('sessionError', () => {});
  return { server, port: await listen(server), drains, sockets, sessions };
}

/** The answer to a request. */
export const ok = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

export interface Connected extends Serving {
  readonly client: RawClient;
  /** What the application was given. */
  readonly streams: ServerHttp2Stream[];
  readonly session: ServerHttp2Session;
  readonly socket: TLSSocket;
}

/** One exchange is over when it resolves. Streams but those for "/held" are answered at once. A client that answers ends TLS when the server has. */
export async function connected(version: Version = 'TLSv1.3', answers = true): Promise<Connected> {
  const serving = await serve();
  const streams: ServerHttp2Stream[] = [];
  serving.server.on('stream', (stream, headers) => {
    streams.push(stream.on('error', () => {}));
    if (headers[':path'] !== '/held') ok(stream);
  });
  const client = await RawClient.connect(serving.port, version);
  if (answers) client.socket.once('end', () => client.socket.end());
  client.send(PREFACE, get(1));
  await client.answered(1);
  await client.until(() => client.of('SETTINGS').length === 2);
  client.frames.length = streams.length = 0;
  return { ...serving, client, streams, session: serving.sessions[0]!, socket: serving.sockets[0]! };
}

export async function heldStream({ server, client }: Connected, id: number): Promise<ServerHttp2Stream> {
  const streams = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
  client.send(get(id, '/held'));
  return (await streams)[0];
}

export async function closed(session: ServerHttp2Session): Promise<void> {
  for (let i = 0; !session.closed; i++) {
    if (i === 1000) throw new Error('the session is not closed');
    await turns(1);
  }
}
