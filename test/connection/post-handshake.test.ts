/**
 * Post-handshake authentication (RFC 8446 section 4.6.2). Node offers it neither as a client nor as a server, so a request for a certificate is an unexpected
 * message, and so is a certificate that nobody has asked for. Neither is an end, whatever comes behind it.
 */
import { expect } from 'chai';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { FORGED, type Forged } from '../support/forged.js';
import { SIDES } from '../support/pair.js';
import { HANDSHAKE } from '../support/sealing.js';

const [CERTIFICATE, CERTIFICATE_REQUEST] = [11, 13];
/** With a context of one byte. The extension is signature_algorithms (13), with rsa_pss_rsae_sha256 (0x0804). */
const REQUEST = Buffer.from([CERTIFICATE_REQUEST, 0, 0, 12, 1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 8, 4]);
/** Of no certificate at all. */
const EMPTY = Buffer.from([CERTIFICATE, 0, 0, 5, 1, 7, 0, 0, 0]);

const MESSAGES = { 'a request for a certificate': REQUEST, 'a certificate': EMPTY } as const;

async function forged(side: (typeof SIDES)[number], kind: string): Promise<Forged> {
  const made = await FORGED[kind]!('TLSv1.3', side, watch);
  made.ours.on('error', () => {}).resume();
  return made;
}

for (const side of SIDES) {
  for (const kind of ['TCP', 'wrap() of a net.Socket']) {
    describe(`post-handshake authentication as ${side} over ${kind}`, () => {
      for (const [what, message] of Object.entries(MESSAGES)) {
        it(`-1 PROTOCOL at ${what}, and a close_notify behind it, before our alert`, async () => {
          const { ours, forger, deliver, fin } = await forged(side, kind);
          deliver(Buffer.concat([forger.seal(HANDSHAKE, message), forger.sealAlert(1, 0)]));
          fin();
          const { value, error } = await shutdown(ours, { bidirectional: true });
          expect([value, error?.code, getShutdown(ours).received]).to.deep.equal([-1, 'ERR_TLS_SHUTDOWN_PROTOCOL', 'error']);
          expect(forger.ourAlerts.map((alert) => alert[1])).to.not.include(0);
        });

        it(`-1 at ${what}, and a close_notify behind it, after our alert`, async () => {
          const { ours, forger, deliver, fin } = await forged(side, kind);
          expect((await shutdown(ours)).value).to.equal(0);
          deliver(forger.seal(HANDSHAKE, message), forger.sealAlert(1, 0));
          fin();
          const { value } = await shutdown(ours, { bidirectional: true });
          expect([value, getShutdown(ours).received]).to.deep.equal([-1, 'error']);
        });
      }
    });
  }
}
