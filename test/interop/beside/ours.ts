/** The library's calls on a socket of Node's. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, shutdown, watch, type ShutdownOptions } from '../../../src/index.js';
import { certificate, turns } from '../../support/pair.js';
import type { Played } from '../peers/forging.js';
import type { Answer, Caller, Setting } from './caller.js';
import { HeldTransport } from '../../support/held.js';
import type { PeerConnection } from './peer.js';

/** SSL_OP_IGNORE_UNEXPECTED_EOF, which node:constants does not have. */
const IGNORE_UNEXPECTED_EOF = 1 << 7;

interface Handle {
  readonly _parent?: { readonly bytesRead: number };
}

/** Reads what there is, and gives its length. (Since Node 26 `read()` gives a chunk at a time.) */
function readable(socket: TLSSocket): number {
  let bytes = 0;
  for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) bytes += chunk.length;
  return bytes;
}

export class Ours implements Caller {
  readonly #options: ShutdownOptions;
  #socket!: TLSSocket;
  #transport: net.Socket | HeldTransport | undefined;
  #server: tls.Server | undefined;
  #session: Buffer | undefined;
  #isQuiet = false;
  #bytesBefore = 0;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  async open(peer: PeerConnection, setting: Setting, hasHandshake: boolean): Promise<boolean> {
    this.#isQuiet = false;
    this.#socket = await (setting.side === 'client' ? this.#connect(peer, setting, hasHandshake) : this.#accept(peer, setting, hasHandshake));
    this.#socket.on('error', () => {});
    this.#socket.on('session', (session: Buffer) => (this.#session = session));
    if (!hasHandshake) return false;
    const done = setting.side === 'client' ? once(this.#socket, 'secureConnect') : undefined;
    const resumed = await peer.handshake();
    await done;
    await turns(); // of a server: its tickets
    return resumed;
  }

  async #connect(peer: PeerConnection, { version, options }: Setting, hasHandshake: boolean): Promise<TLSSocket> {
    const port = await (hasHandshake ? peer.listen(version) : peer.silent());
    const tcp = { port, host: '127.0.0.1' } as const;
    if (options.includes('held')) this.#transport = new HeldTransport(net.connect({ ...tcp, allowHalfOpen: true }));
    if (options.includes('own transport')) this.#transport = net.connect(tcp);
    if (this.#transport instanceof net.Socket) await once(this.#transport, 'connect');
    const socket = watch(
      tls.connect({
        ...(this.#transport === undefined ? tcp : { socket: this.#transport }),
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        ...(options.includes('resume') && this.#session ? { session: this.#session } : {}),
        ...(options.includes('ignore-eof') ? { secureOptions: IGNORE_UNEXPECTED_EOF } : {}),
        ...(options.includes('half-open') ? { allowHalfOpen: true } : {}),
      }),
    );
    if (!hasHandshake && this.#transport === undefined) await once(socket, 'connect');
    return socket;
  }

  async #accept(peer: PeerConnection, { version, options }: Setting, hasHandshake: boolean): Promise<TLSSocket> {
    const secureOptions = options.includes('ignore-eof') ? { secureOptions: IGNORE_UNEXPECTED_EOF } : {};
    this.#server ??= watch(tls.createServer({ ...certificate, minVersion: version, maxVersion: version, ...secureOptions, allowHalfOpen: options.includes('half-open') }));
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    if (hasHandshake) {
      const connected = once(this.#server, 'secureConnection') as Promise<[TLSSocket]>;
      await peer.connect(version, port, options.includes('resume'));
      return (await connected)[0];
    }
    const raw = net.createServer().listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const connected = once(raw, 'connection') as Promise<[net.Socket]>;
    await peer.silent((raw.address() as AddressInfo).port);
    const [transport] = await connected;
    raw.close();
    return watch(new tls.TLSSocket(transport, { isServer: true, ...certificate, minVersion: version, maxVersion: version }));
  }

  async act(step: string): Promise<void> {
    const [word, rest] = step.split(' ');
    const socket = this.#socket;
    if (word === 'hear') {
      await once(socket, 'data');
      socket.pause();
      this.#bytesBefore = this.#bytesRead;
    } else if (word === 'write' || word === 'write-late') socket.write(Buffer.alloc(Number(rest)));
    else if (word === 'fill') socket.write(Buffer.alloc(16 << 20));
    else if (word === 'quiet') this.#isQuiet = true;
    else if (word === 'loud') this.#isQuiet = false;
    else if (word === 'lose') socket.destroy();
    else if (word === 'half-close') this.#transport!.end();
    else (this.#transport as HeldTransport).held = word === 'hold';
  }

  /** By the transport, also of a record that is not complete yet. */
  get #bytesRead(): number {
    if (this.#transport instanceof HeldTransport) return this.#transport.bytesRead;
    return (this.#socket as unknown as { _handle?: Handle })._handle?._parent?.bytesRead ?? Infinity;
  }

  /** What has arrived in part may not all be read: then the socket's buffer is full. */
  async arrived({ bytes, end }: Played): Promise<void> {
    const socket = this.#socket;
    const isThere = (): boolean => this.#bytesRead - this.#bytesBefore >= bytes && (end === 'none' || getShutdown(socket).received !== 'open');
    while (!socket.destroyed && !isThere() && socket.readableLength < socket.readableHighWaterMark) await turns(1);
    await turns(4);
  }

  async call(limit: number): Promise<Answer> {
    const { value, error } = await shutdown(this.#socket, { ...this.#options, quiet: this.#isQuiet, timeout: limit });
    await turns(2); // if Node destroys the socket now, the peer sees it
    const left = value === 1 ? readable(this.#socket) : 0;
    const code = error?.code.replace('ERR_TLS_SHUTDOWN_', '');
    const sslError = error?.sslError.replace('SSL_ERROR_', '');
    return { value, error: sslError, text: [value, ...(code === undefined ? [] : [`${code} (${sslError})`]), ...(left > 0 ? [`[${left} bytes]`] : [])].join(' ') };
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    this.#transport?.destroy();
    this.#transport = undefined;
    await turns(1);
  }

  async stop(): Promise<void> {
    (this.#socket as TLSSocket | undefined)?.destroy(); // there is none if it could not be opened
    if (this.#server === undefined) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}
