/**
 * How long was the ClientHello? A server needs it to tell what came behind the handshake in the same read: Java's `close()` puts its last
 * handshake message and its alerts into one segment, and nothing but the bytes tells of alerts that OpenSSL hides (see ledger.ts).
 *
 * The client's next flight can't come before the server's answer, which is sent in the very read that brings the ClientHello. So the first
 * count that is not 0, taken once in each turn of the event loop, is its length. The immediate is unref'd: it makes no turn of its own.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { wrappedSocket } from './internals.js';
import { OPENSSL_HIDES_CLOSE_NOTIFY } from './ledger.js';
import { realSetImmediate } from './turn.js';

const lengths = new WeakMap<Socket, number>();

/** A client that says nothing for so many turns is left alone: thousands of such connections must not slow a server down. */
const MAX_TURNS = 1000;

interface Silent {
  readonly raw: Socket;
  turns: number;
}

const silent: Silent[] = [];
let looking = false;

function lookInThisTurn(): void {
  if (!looking && silent.length > 0) realSetImmediate(look).unref();
  looking = silent.length > 0;
}

function look(): void {
  looking = false;
  let count = 0;
  for (const each of silent) {
    const { raw } = each;
    const length = raw.bytesRead;
    if (length > 0) lengths.set(raw, length);
    else if (++each.turns === MAX_TURNS) lengths.set(raw, NaN);
    else if (!raw.destroyed) silent[count++] = each;
  }
  silent.length = count;
  lookInThisTurn();
}

function tlsShutdownOnConnection(raw: Socket): void {
  silent.push({ raw, turns: 0 });
  lookInThisTurn();
}

export function measureHellos(server: Server): void {
  if (OPENSSL_HIDES_CLOSE_NOTIFY) server.on('connection', tlsShutdownOnConnection);
}

/** The bytes of the ClientHello that began the handshake of this server's socket, if its server was watched; `NaN` if it came too late. */
export function helloLength(socket: TLSSocket): number | undefined {
  const raw = wrappedSocket(socket);
  return raw && lengths.get(raw);
}
