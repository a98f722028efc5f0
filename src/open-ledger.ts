import type { TLSSocket } from 'node:tls';
import { helloLength } from './hello.js';
import { ciphertextRead, plaintextRead } from './internals.js';
import { Ledger, OPENSSL_HIDES_CLOSE_NOTIFY, finishedLength } from './ledger.js';

/** The ledger of a socket that has just finished its handshake; `undefined` where nothing can be hidden. */
export function ledgerOf(socket: TLSSocket): Ledger | undefined {
  if (!OPENSSL_HIDES_CLOSE_NOTIFY || socket.getProtocol() !== 'TLSv1.3') return undefined;
  const cipher = socket.getCipher().name;
  const hello = helloLength(socket);
  // What came behind the handshake in the same read is not part of it. Without its server watched that can't be told.
  const handshake = hello === undefined ? ciphertextRead(socket) : hello + finishedLength(cipher);
  // CCM_8 records are 8 bytes shorter than the ledger counts: NaN makes it say that it can't tell.
  return new Ledger(cipher.includes('CCM_8') ? NaN : handshake, plaintextRead(socket));
}
