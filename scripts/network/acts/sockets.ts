/** Sockets of the two ends. What is left of them in the end is looked for: see leaving.ts. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { watch } from 'tls-graceful-shutdown';
import { certificate, type Version } from '../../../test/support/pair.js';
import { ADDRESSES } from '../link.js';

export const made: WeakRef<object>[] = [];

export function remember<T extends object>(object: T): T {
  made.push(new WeakRef(object));
  return object;
}

/** The end that listens, always. */
export const HOST = ADDRESSES.far;

export async function listen(server: net.Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const versionsOf = (version: Version) => ({ minVersion: version, maxVersion: version }) as const;
export const identityOf = (version: Version) => ({ ...certificate, ...versionsOf(version) }) as const;

/** A watched TLS socket of a client, once the handshake is done. */
export async function connectTls(port: number, version: Version): Promise<TLSSocket> {
  const socket = watch(remember(tls.connect({ host: HOST, port, rejectUnauthorized: false, ...versionsOf(version) })));
  await once(socket, 'secureConnect');
  return socket;
}

export interface Accepting<S> {
  readonly port: number;
  /** The first one. Then the server stops to listen. */
  readonly socket: Promise<S>;
}

async function first<S extends object>(server: net.Server, event: string): Promise<Accepting<S>> {
  const socket = (once(server, event) as Promise<[S]>).then(([accepted]) => {
    net.Server.prototype.close.call(server);
    return remember(accepted);
  });
  return { port: await listen(server), socket };
}

export const acceptTls = (version: Version): Promise<Accepting<TLSSocket>> => first(watch(tls.createServer(identityOf(version))), 'secureConnection');
export const acceptTcp = (): Promise<Accepting<net.Socket>> => first(net.createServer(), 'connection');

export async function connectTcp(port: number): Promise<net.Socket> {
  const socket = remember(net.connect(port, HOST));
  await once(socket, 'connect');
  return socket;
}
