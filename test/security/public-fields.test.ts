/** Why this package exists: Node's public events and fields are the same at a `close_notify`, a bare FIN and a fatal alert that OpenSSL has no name for. */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import { FORGED } from '../support/forged.js';
import { SIDES, VERSIONS, turns, type Side, type Version } from '../support/pair.js';

/** Those that name a place or a time, and so differ between any two sockets. */
const OTHERS = ['localPort', 'remotePort'];

function publicFields(socket: TLSSocket): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name in socket) {
    const value = (socket as unknown as Record<string, unknown>)[name];
    if (!name.startsWith('_') && !OTHERS.includes(name) && ['boolean', 'number', 'string', 'undefined'].includes(typeof value)) fields[name] = value;
  }
  return fields;
}

async function seenAtEnd(version: Version, side: Side, ending: 'close_notify' | 'FIN' | 'unnamed alert'): Promise<unknown> {
  const { ours, forger, deliver, fin, destroy } = await FORGED['TCP']!(version, side, () => {});
  const events: string[] = [];
  for (const event of ['end', 'error', 'finish', 'close', 'timeout']) ours.on(event, () => events.push(event));
  const ended = new Promise<unknown>((resolve) => ours.resume().once('end', () => resolve({ fields: publicFields(ours), events: [...events] })));
  deliver(forger.sealData('data'));
  await turns(5);
  if (ending === 'close_notify') deliver(forger.sealAlert(1, 0));
  if (ending === 'FIN') fin();
  if (ending === 'unnamed alert') deliver(forger.sealAlert(2, 117));
  await turns(5);
  if (ending === 'unnamed alert') deliver(Buffer.of(0x17));
  const seen = await ended;
  destroy();
  return seen;
}

for (const version of VERSIONS) {
  for (const side of SIDES) {
    it(`no public event or field tells a close_notify from a FIN, nor from a fatal alert without a name, ${version} as ${side}`, async () => {
      const clean = await seenAtEnd(version, side, 'close_notify');
      expect(await seenAtEnd(version, side, 'FIN')).to.deep.equal(clean);
      expect(await seenAtEnd(version, side, 'unnamed alert')).to.deep.equal(clean);
    });
  }
}
