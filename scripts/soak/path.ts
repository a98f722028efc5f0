/** Somebody on the path between client and server, for many connections at once. They have no keys. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** One connection that passes. A lane is named by where it leads to. */
export class Path {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** More bytes that pass towards the client, before its lane is cut. */
  #toClient = Infinity;
  #toServer = Infinity;

  constructor(client: net.Socket, server: net.Socket) {
    this.client = client;
    this.server = server;
    client.on('data', (chunk: Buffer) => (this.#toServer = this.#pass(server, chunk, this.#toServer)));
    server.on('data', (chunk: Buffer) => (this.#toClient = this.#pass(client, chunk, this.#toClient)));
    for (const [from, to] of [[client, server], [server, client]] as const) {
      from.on('end', () => to.end());
      from.on('error', () => to.destroy()).on('close', (hadError) => hadError && to.destroy());
    }
  }

  #pass(to: net.Socket, chunk: Buffer, left: number): number {
    if (left === 0 || !to.writable) return left;
    to.write(chunk.subarray(0, left));
    if (chunk.length < left) return left - chunk.length;
    to.end();
    return 0;
  }

  /** A forged FIN, behind so many more bytes. */
  cut(to: 'client' | 'server', bytes: number): void {
    if (to === 'client') this.#toClient = bytes;
    else this.#toServer = bytes;
    if (bytes === 0) this[to].end();
  }

  inject(to: 'client' | 'server', bytes: Buffer): void {
    this[to].write(bytes);
  }

  /** A forged RST to both. */
  reset(): void {
    for (const socket of [this.client, this.server]) socket.resetAndDestroy();
  }

  destroy(): void {
    for (const socket of [this.client, this.server]) socket.destroy();
  }
}

/** Listens for all of them. */
export class Paths {
  readonly #server: net.Server;
  readonly #port: number;
  /** By the port of the client. */
  readonly #open = new Map<number, Path>();

  private constructor(server: net.Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('connection', (client) => {
      const key = client.remotePort!;
      const path = new Path(client, net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
      this.#open.set(key, path);
      client.on('close', () => this.#open.delete(key));
    });
  }

  /** To the server at `port`. */
  static async listen(port: number): Promise<Paths> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new Paths(server, port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Of a client that is connected by now, and has talked with the server. */
  of(client: net.Socket): Path {
    const path = this.#open.get(client.localPort!);
    if (path === undefined) throw new Error(`nobody is on the path to ${this.#port} from ${client.localPort}`);
    return path;
  }

  close(): void {
    this.#server.close();
  }
}
