/** The idle sockets of an `https.Agent`: Node 26 destroys them at whatever they read, the peer's alert too. */
import { expect } from 'chai';
import { once } from 'node:events';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { gracefulShutdown, getShutdown } from '../../src/index.js';
import { VERSIONS, certificate, closed, listen, track, turns, type Version } from '../support/pair.js';

async function freeSocket(version: Version): Promise<{ ours: TLSSocket; raw: Socket }> {
  const server = https.createServer({ ...certificate, minVersion: version, maxVersion: version }, (_request, response) => response.end('ok'));
  const port = await listen(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const agent = track(new https.Agent({ keepAlive: true, rejectUnauthorized: false }));
  const request = https.get({ port, host: '127.0.0.1', agent });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  await turns();
  const [ours] = Object.values(agent.freeSockets).flat() as TLSSocket[];
  const [raw] = await accepted;
  track(raw);
  return { ours: ours!, raw };
}

for (const version of VERSIONS) {
  describe(`a free socket of an agent, ${version}`, () => {
    it('returns 1 when the server answers with its alert', async () => {
      const { ours } = await freeSocket(version);
      expect(await gracefulShutdown(ours, { bidirectional: true })).to.equal(1);
    });

    it('never returns 1 when the transport is cut', async () => {
      const { ours, raw } = await freeSocket(version);
      const end = closed(ours);
      const value = gracefulShutdown(ours, { bidirectional: true });
      raw.destroy();
      expect(await value).to.equal(-1);
      await end;
      expect(getShutdown(ours).received).not.to.equal('close_notify');
    });
  });
}
