/**
 * A program that is handed plain TCP connections by its parent, puts TLS on them, and closes them as the parent says. It answers with a message for each.
 */
import type net from 'node:net';
import tls, { TLSSocket } from 'node:tls';
import { shutdown, watch, wrap, type ShutdownResult } from '../../src/index.js';
import { certificate } from './pair.js';

/** How TLS comes onto the connection. */
export const WAYS = ['a tls.Server', 'new TLSSocket', 'wrap()'] as const;

export interface Order {
  readonly way: (typeof WAYS)[number];
  readonly version: tls.SecureVersion;
  /** After that many bytes of the client's it closes. */
  readonly bytes: number;
  readonly steps: 'both steps' | 'one step' | 'at the end';
}

export interface Report extends Pick<ShutdownResult, 'value' | 'state'> {
  readonly code: string | undefined;
  readonly bytes: number;
}

const server = watch(tls.createServer(certificate));

async function tlsOver(socket: net.Socket, { way, version }: Order): Promise<TLSSocket> {
  const options = { ...certificate, minVersion: version, maxVersion: version };
  if (way === 'wrap()') return wrap(socket, { isServer: true, ...options });
  if (way === 'new TLSSocket') return watch(new TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext(options) }));
  const secured = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  server.emit('connection', socket);
  return await secured;
}

async function serve(socket: net.Socket, order: Order): Promise<Report> {
  const secured = await tlsOver(socket, order);
  secured.on('error', () => {}); // told in the report
  let bytes = 0;
  const ended = new Promise<void>((resolve) => secured.once('end', resolve).once('close', () => resolve()));
  await new Promise<void>((resolve) => {
    secured.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes !== order.bytes) return;
      secured.write(Buffer.alloc(bytes, 'answer')); // later it may be too late: the client has ended
      resolve();
    });
  });
  if (order.steps === 'at the end') await ended;
  const { value, state, error } = await shutdown(secured, { bidirectional: order.steps !== 'one step' });
  return { value, state, code: error?.code, bytes };
}

process.on('message', (order: Order, socket: unknown) => {
  void serve(socket as net.Socket, order).then((report) => process.send!(report));
});
process.once('disconnect', () => process.exit());
