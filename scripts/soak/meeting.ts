/** Two ends of one TLS connection in this process: who they are, what they have said, and whether they are gone in the end. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { watch, wrap } from '../../src/index.js';
import { PATTERN } from '../../test/support/fault-peer.js';
import { certificate, turns, VERSIONS, type Version } from '../../test/support/pair.js';
import type { Chance } from '../../test/support/random.js';
import { Paths, type Path } from './path.js';

/** A socket that is not closed so long after it was destroyed never closes. */
const CLOSE_MS = 10_000;

/** One side: what it writes and reads is always the beginning of one pattern. */
export class End {
  readonly socket: TLSSocket;
  sent = 0;
  got = 0;
  isSpoiled = false;
  readonly closed: Promise<void>;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {}); // what it was is seen by the answer
  }

  readonly take = (chunk: Buffer): void => {
    if (!chunk.equals(PATTERN.subarray(this.got, this.got + chunk.length))) this.isSpoiled = true;
    this.got += chunk.length;
  };

  flow(): void {
    this.socket.on('data', this.take).resume();
  }

  write(bytes: number): void {
    this.socket.write(PATTERN.subarray(this.sent, this.sent + bytes));
    this.sent += bytes;
  }
}

/** `a` is the one that a way is about. */
export interface Meeting {
  readonly a: End;
  readonly b: End;
  readonly random: Chance;
  readonly isResumed: boolean;
  /** Which of the two `a` is. */
  readonly side: 'client' | 'server';
  readonly other: 'client' | 'server';
  /** Only of a way that asks for it. */
  readonly path: Path | undefined;
}

export interface Wishes {
  /** With somebody on the path. */
  readonly path?: boolean;
  /** Nobody watches `a` before it is closed. */
  readonly unwatched?: boolean;
}

/** Where all meet. */
export class Place {
  readonly #server: tls.Server;
  readonly #plain: net.Server;
  readonly #paths: Paths;
  /** By the two ports of the connection: one port may lead to several servers at once. */
  readonly #waiting = new Map<string, (socket: net.Socket) => void>();
  readonly #early = new Map<string, net.Socket>();
  readonly #sessions = new Map<Version, Buffer>();

  private constructor(server: tls.Server, plain: net.Server, paths: Paths) {
    this.#server = server;
    this.#plain = plain;
    this.#paths = paths;
    server.on('secureConnection', (socket) => this.#arrived(socket));
    plain.on('connection', (socket) => this.#arrived(socket));
  }

  static async open(): Promise<Place> {
    const server = watch(tls.createServer({ ...certificate, noDelay: true }));
    const plain = net.createServer({ noDelay: true });
    for (const each of [server, plain]) await once(each.listen(0, '127.0.0.1'), 'listening');
    return new Place(server, plain, await Paths.listen((server.address() as AddressInfo).port));
  }

  close(): void {
    for (const each of [this.#server, this.#plain, this.#paths]) each.close();
  }

  #arrived(socket: net.Socket): void {
    const key = `${socket.remotePort} ${socket.localPort}`;
    const resolve = this.#waiting.get(key);
    if (resolve === undefined) this.#early.set(key, socket);
    else resolve(socket);
    this.#waiting.delete(key);
  }

  /** What has arrived of this connection. */
  #otherEnd({ localPort, remotePort }: net.Socket): Promise<net.Socket> {
    const key = `${localPort} ${remotePort}`;
    const early = this.#early.get(key);
    if (!this.#early.delete(key)) return new Promise((resolve) => this.#waiting.set(key, resolve));
    return Promise.resolve(early!);
  }

  async meet(random: Chance, { path: hasPath = false, unwatched = false }: Wishes): Promise<Meeting> {
    const version = random.pick(VERSIONS);
    const side = random.pick(['client', 'server'] as const);
    const port = hasPath ? this.#paths.port : (this.#server.address() as AddressInfo).port;
    const session = random() < 0.5 ? this.#sessions.get(version) : undefined;
    const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: version, maxVersion: version, ...(session && { session }) });
    client.setNoDelay(true);
    client.once('session', (latest: Buffer) => this.#sessions.set(version, latest));
    if (!unwatched || side === 'server') watch(client);
    await once(client, 'secureConnect');
    const path = hasPath ? this.#paths.of(client) : undefined;
    const server = (await this.#otherEnd(path === undefined ? client : path.server)) as TLSSocket;
    await this.#greet(client, server);
    const [a, b] = side === 'client' ? [client, server] : [server, client];
    return { a: new End(a), b: new End(b), random, isResumed: client.isSessionReused(), side, other: side === 'client' ? 'server' : 'client', path };
  }

  /** The client has its session tickets then: an `end()` while they are being written loses its alert (Node 20 to 26). */
  async #greet(client: TLSSocket, server: TLSSocket): Promise<void> {
    client.write('hello');
    await once(server, 'data');
    server.write('hello');
    await once(client, 'data');
    client.pause();
    server.pause();
    await turns();
  }

  /** TLS over plain connections, by `wrap`. */
  async meetWrapped(random: Chance): Promise<Meeting & { readonly transports: readonly [net.Socket, net.Socket] }> {
    const version = random.pick(VERSIONS);
    const side = random.pick(['client', 'server'] as const);
    const near = net.connect({ port: (this.#plain.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
    await once(near, 'connect');
    const far = await this.#otherEnd(near);
    const server = wrap(far, { isServer: true, ...certificate });
    const client = wrap(near, { rejectUnauthorized: false, minVersion: version, maxVersion: version });
    await Promise.all([once(client, 'secureConnect'), once(server, 'secure')]); // 'secure' is undocumented; both sides
    await this.#greet(client, server);
    const [a, b] = side === 'client' ? [client, server] : [server, client];
    const transports = side === 'client' ? ([near, far] as const) : ([far, near] as const);
    return { a: new End(a), b: new End(b), random, isResumed: false, side, other: side === 'client' ? 'server' : 'client', path: undefined, transports };
  }
}

/** Whatever became of it: nothing of a meeting is left. */
export async function part({ a, b, path }: Meeting): Promise<void> {
  path?.destroy();
  for (const { socket } of [a, b]) socket.destroy();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error('a socket never closed')), CLOSE_MS)));
  await Promise.race([Promise.all([a.closed, b.closed]), late]);
  clearTimeout(timer);
}
