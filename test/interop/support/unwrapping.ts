/**
 * Peers whose connection goes on after TLS, and our wrapped end of it. One program for each TLS library, with the arguments
 * ROLE VERSION PORT PLAN KEY CERT. It reads five bytes through TLS and writes them back. Then it closes: WHEN-WHAT.
 *
 * - `first-...`: when it is told to by a line on its standard input. `second-...`: when it has read our data and our alert.
 * - `...-plain`: with its alert, waits for ours, writes a line of plaintext, and reads plaintext up to our FIN.
 * - `...-segment`: the same, with the alert and the plaintext in one segment. Then a new connection, where it sends the first byte of the two,
 *   waits for a line, and sends the rest; and so on up to the last byte.
 * - `...-fin`, `...-reset`: without an alert. `...-garbage`, `...-forged`: with plaintext, or an alert that is not encrypted, where its alert
 *   should be.
 */
import { expect } from 'chai';
import { on, once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { wrap } from '../../../src/index.js';
import type { Child } from './child.js';
import { afterThisTest } from './cleanup.js';
import { CERT_FILE, KEY_FILE, type Version } from './ends.js';
import type { Role, StartPeer } from './scripted.js';

export const PLAIN = 'plain from the peer\n';

export interface Wrapped {
  readonly socket: TLSSocket;
  readonly transport: net.Socket;
}

export interface Meeting {
  readonly peer: Child;
  /** The next connection, after its first words through TLS. */
  next(): Promise<Wrapped>;
}

/** Where a client connects to instead of `port`: a relay between the two. */
type Via = (port: number) => Promise<number>;
const directly: Via = (port) => Promise.resolve(port);

async function withServer(start: StartPeer, version: Version, plan: string, via: Via): Promise<Meeting> {
  const peer = start(['server', version, '0', plan, KEY_FILE, CERT_FILE]);
  const port = await via(Number((await peer.waitFor(/^listening (\d+)\s/m))[1]));
  const next = (): Promise<Wrapped> => {
    const transport = net.connect(port, '127.0.0.1');
    return exchange(transport, wrap(transport, { minVersion: version, maxVersion: version, rejectUnauthorized: false }), 'secureConnect');
  };
  return { peer, next };
}

async function withClient(start: StartPeer, version: Version, plan: string, via: Via): Promise<Meeting> {
  const identity = { key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE) };
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => void server.close());
  const connections = on(server, 'connection');
  const peer = start(['client', version, String(await via((server.address() as AddressInfo).port)), plan, KEY_FILE, CERT_FILE]);
  const next = async (): Promise<Wrapped> => {
    const [transport] = ((await connections.next()) as { value: [net.Socket] }).value;
    return exchange(transport, wrap(transport, { isServer: true, minVersion: version, maxVersion: version, ...identity }), 'secure');
  };
  return { peer, next };
}

/** The first words, which the peer echoes: so it has read our tickets, and we have read its own. */
async function exchange(transport: net.Socket, socket: TLSSocket, event: 'secure' | 'secureConnect'): Promise<Wrapped> {
  afterThisTest(() => transport.destroy());
  await once(socket, event);
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).to.equal('hello');
  return { socket, transport };
}

export function meetWrapped(start: StartPeer, role: Role, version: Version, plan: string, via: Via = directly): Promise<Meeting> {
  return (role === 'server' ? withServer : withClient)(start, version, plan, via);
}

/** `plain` is the transport itself, with nothing of TLS on it: plaintext in both directions, and then the end of it. */
export async function goOnInPlaintext(peer: Child, plain: Duplex, transport: net.Socket): Promise<void> {
  expect(plain).to.equal(transport);
  for (const event of ['data', 'readable', 'error']) expect(plain.listenerCount(event), event).to.equal(0);
  let text = '';
  plain.on('data', (chunk: Buffer) => (text += String(chunk)));
  plain.end('plain from us');
  await once(plain, 'close');
  expect(text).to.equal(PLAIN);
  await peer.waitFor(/^plain plain from us, FIN\r?\n/m);
}
