/**
 * How long was the ClientHello? A server needs it to tell what came behind the handshake in the same read: Java's `close()` puts its last
 * handshake message and its alerts into one segment, and nothing but the bytes tells of alerts that OpenSSL hides (see ledger.ts).
 *
 * The client's next flight can't come before the server's answer, which is sent in the very read that brings the ClientHello. So the first
 * count that is not 0, taken once in each turn of the event loop, is its length. The immediates are unref'd: they make no turn of their own.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { wrappedSocket } from './internals.js';
import { OPENSSL_HIDES_CLOSE_NOTIFY } from './ledger.js';
import { realSetImmediate } from './turn.js';

const lengths = new WeakMap<Socket, number>();

function measure(raw: Socket): void {
  if (raw.bytesRead > 0) lengths.set(raw, raw.bytesRead);
  else if (!raw.destroyed) realSetImmediate(measure, raw).unref();
}

function tlsShutdownOnConnection(raw: Socket): void {
  realSetImmediate(measure, raw).unref();
}

export function measureHellos(server: Server): void {
  if (OPENSSL_HIDES_CLOSE_NOTIFY) server.on('connection', tlsShutdownOnConnection);
}

/** The bytes of the ClientHello that began the handshake of this server's socket, if they were measured. */
export function helloLength(socket: TLSSocket): number | undefined {
  const raw = wrappedSocket(socket);
  return raw && lengths.get(raw);
}
