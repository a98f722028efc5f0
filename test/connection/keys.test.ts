/**
 * However the keys of a connection came about: the ends of it are told as those of any other. RFC 8446 sections 2.2 and 4.6, RFC 5077, RFC 5246 section 7.4.1.2,
 * RFC 4279, RFC 5746.
 */
import { expect } from 'chai';
import { constants } from 'node:crypto';
import { once } from 'node:events';
import type tls from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { PATTERN } from '../support/fault-peer.js';
import { SIDES, VERSIONS, certificate, makePair, readAll, type Pair, type PairOptions, type Side, type Version } from '../support/pair.js';

/** As early as an application could. */
const early = (socket: TLSSocket): void => void watch(socket).on('error', () => {});
const GARBAGE = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
const NOT_CLEAN = ['ERR_TLS_SHUTDOWN_TRUNCATED', 'ERR_TLS_SHUTDOWN_UNVERIFIED'];

const clientOf = ({ ours, peer }: Pair, side: Side): TLSSocket => (side === 'client' ? ours : peer);

/** The first connection of two; the client has a session then, and both are gone. */
async function sessionFrom(options: PairOptions): Promise<Buffer> {
  const pair = await makePair(options);
  const client = clientOf(pair, options.side);
  const fresh = client.getSession() !== undefined && options.version === 'TLSv1.2' ? client.getSession()! : ((await once(client.resume(), 'session'))[0] as Buffer);
  pair.ours.destroy();
  pair.peer.destroy();
  return fresh;
}

async function resumed(options: PairOptions): Promise<Pair> {
  const session = await sessionFrom(options);
  const pair = await makePair({ ...options, early, client: { ...options.client, session } });
  expect([pair.ours.isSessionReused(), pair.peer.isSessionReused()]).to.deep.equal([true, true]);
  return pair;
}

/** Node keeps no sessions by itself. */
function sessionStore(): (server: tls.Server) => void {
  const sessions = new Map<string, Buffer>();
  return (server) => {
    server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
      sessions.set(id.toString('hex'), session);
      done();
    });
    server.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) => done(null, sessions.get(id.toString('hex')) ?? null));
  };
}

const PSK = { psk: Buffer.alloc(32, 'secret'), identity: 'somebody' } as const;

async function withExternalKey(version: Version, side: Side): Promise<Pair> {
  const ciphers = version === 'TLSv1.2' ? 'PSK-AES128-CBC-SHA256:PSK-AES128-GCM-SHA256' : 'TLS_AES_128_GCM_SHA256';
  const pair = await makePair({
    version,
    side,
    early,
    client: { ciphers, pskCallback: () => PSK, checkServerIdentity: () => undefined },
    server: { ciphers, pskIdentityHint: 'whoever', pskCallback: (_socket: TLSSocket, identity: string) => (identity === PSK.identity ? PSK.psk : null) } as tls.TlsOptions,
  });
  expect(clientOf(pair, side).getPeerCertificate()).to.deep.equal({});
  return pair;
}

/** Begun by the peer, or by us. */
async function renegotiated(version: Version, side: Side, by: 'ours' | 'peer'): Promise<Pair> {
  const pair = await makePair({ version, side, early });
  // What one of them reads meanwhile drives its handshake on.
  const drivesOn = (): void => {};
  for (const socket of [pair.ours, pair.peer]) socket.on('readable', drivesOn);
  const first = pair.ours.getFinished()!;
  await new Promise<void>((resolve, reject) => pair[by].renegotiate({ rejectUnauthorized: false }, (error: Error | null) => (error === null ? resolve() : reject(error))));
  await pair.relay.until(() => !pair.ours.getFinished()!.equals(first));
  for (const socket of [pair.ours, pair.peer]) socket.off('readable', drivesOn);
  return pair;
}

const TICKET_KEYS = { ticketKeys: Buffer.alloc(48, 'ticket'), sessionIdContext: 'tests' } as const;
const SESSION_ID = { secureOptions: constants.SSL_OP_NO_TICKET, sessionIdContext: 'tests' } as const;

type Make = (version: Version, side: Side) => Promise<Pair>;
const WAYS: Readonly<Record<string, { readonly versions: readonly Version[]; readonly make: Make }>> = {
  'a session ticket': { versions: VERSIONS, make: (version, side) => resumed({ version, side, server: TICKET_KEYS }) },
  'a session id': { versions: ['TLSv1.2'], make: (version, side) => resumed({ version, side, server: SESSION_ID, onServer: sessionStore() }) },
  'an external pre-shared key': { versions: VERSIONS, make: withExternalKey },
  'a certificate of the client too': {
    versions: VERSIONS,
    make: (version, side) => makePair({ version, side, early, client: certificate, server: { requestCert: true, rejectUnauthorized: false } }),
  },
  'a renegotiation by the peer': { versions: ['TLSv1.2'], make: (version, side) => renegotiated(version, side, 'peer') },
  'a renegotiation by us': { versions: ['TLSv1.2'], make: (version, side) => renegotiated(version, side, 'ours') },
};

/** Both write, the peer answers our end, and everybody reads. */
function talk({ ours, peer }: Pair): { whole(): Promise<void> } {
  const read = [readAll(ours), readAll(peer)];
  for (const socket of [ours, peer]) socket.write(PATTERN.subarray(0, 40_000));
  return {
    async whole() {
      for (const each of read) expect((await each).equals(PATTERN.subarray(0, 40_000))).to.equal(true);
    },
  };
}

/** Not in the read callback: plain Node would lose what it has still to read. */
function answers({ peer }: Pair): void {
  peer.once('end', () => setImmediate(() => peer.end()));
}

for (const [name, { versions, make }] of Object.entries(WAYS)) {
  for (const version of versions) {
    for (const side of SIDES) {
      describe(`keys by ${name}, ${version} as ${side}`, () => {
        it('1, and no byte is lost, when we end first', async () => {
          const pair = await make(version, side);
          const { whole } = talk(pair);
          answers(pair);
          expect((await shutdown(pair.ours, { bidirectional: true })).value).to.equal(1);
          await whole();
        });

        it('0, then 1, one step a call', async () => {
          const pair = await make(version, side);
          const { whole } = talk(pair);
          const ended = once(pair.peer, 'end');
          expect((await shutdown(pair.ours)).value).to.equal(0);
          await ended;
          setImmediate(() => pair.peer.end());
          expect((await shutdown(pair.ours)).value).to.equal(1);
          await whole();
        });

        it('1, and no byte is lost, when the peer ends first', async () => {
          const pair = await make(version, side);
          const { whole } = talk(pair);
          const ended = once(pair.ours, 'end');
          pair.peer.end();
          await ended;
          expect((await shutdown(pair.ours, { bidirectional: true })).value).to.equal(1);
          await whole();
        });

        it('-1 at a forged FIN, before and behind our alert', async () => {
          for (const first of ['the FIN', 'our alert'] as const) {
            const pair = await make(version, side);
            pair.ours.resume();
            if (first === 'our alert') expect((await shutdown(pair.ours)).value).to.equal(0);
            pair.relay.fin(pair.toUs);
            expect((await shutdown(pair.ours, { bidirectional: true })).error?.code, first).to.be.oneOf(NOT_CLEAN);
            expect(getShutdown(pair.ours).received).not.to.equal('close_notify');
          }
        });

        it('-1 at a fatal alert that somebody on the path has provoked, and bytes behind it', async () => {
          for (const first of ['the alert', 'our alert'] as const) {
            const pair = await make(version, side);
            pair.ours.resume();
            pair.peer.resume();
            pair.peer.allowHalfOpen = true;
            const failed = new Promise((resolve) => pair.peer.once('error', resolve).once('close', resolve));
            if (first === 'our alert') {
              const ended = once(pair.peer, 'end');
              expect((await shutdown(pair.ours)).value).to.equal(0);
              await ended;
              pair.relay.inject(pair.toUs, Buffer.from([21, 3, 3, 0, 2, 1, 0])); // the peer has nothing to say any more: its alert is forged, in the clear
            } else {
              pair.relay.inject(pair.toPeer, GARBAGE);
              await failed;
            }
            pair.relay.inject(pair.toUs, GARBAGE);
            pair.relay.fin(pair.toUs);
            const { value } = await shutdown(pair.ours, { bidirectional: true });
            expect([value, getShutdown(pair.ours).received], first).to.deep.equal([-1, 'error']);
          }
        });
      });
    }
  }
}
