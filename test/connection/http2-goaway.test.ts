/** An HTTP/2 session that the server has ended: Node's client writes a GOAWAY natively, and ends the socket in the same turn. Without care the FIN is before our alert. */
import { once } from 'node:events';
import http2 from 'node:http2';
import tls, { type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { drainable, getShutdown, watch } from '../../src/index.js';
import { VERSIONS, certificate, closed, listen, track, type Version } from '../support/pair.js';
import { Relay } from '../support/relay.js';

/** What became of one session whose server drains under four requests: our half as the client tells, and the client's as the server has seen it. */
async function drainUnder(version: Version): Promise<string> {
  const versions = { minVersion: version, maxVersion: version } as const;
  const server = watch(http2.createSecureServer({ ...certificate, ...versions }, (_request, response) => void setTimeout(() => response.end('answer'), Math.random() * 10)));
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const drains = drainable(server);
  const relay = track(new Relay(await listen(server)));
  const port = await listen(relay.server);
  const socket = watch(track(tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...versions })));
  const session = http2.connect(`https://127.0.0.1:${port}`, { createConnection: () => socket });
  session.on('error', () => {});
  const [[incoming]] = await Promise.all([accepted, once(session, 'connect')]);
  const ended = Promise.all([closed(socket), closed(incoming)]);
  const loop = async (): Promise<void> => {
    while (!session.closed) await new Promise((resolve) => session.request().on('error', () => {}).resume().once('close', resolve));
  };
  const loops = Array.from({ length: 4 }, loop);
  await once(server, 'request');
  await Promise.all([drains.drain(), ended, ...loops]);
  return `sent ${getShutdown(socket).sent}, the server saw ${getShutdown(incoming).received}`;
}

describe('a watched HTTP/2 client whose server ends the session', () => {
  for (const version of VERSIONS) {
    it(`sends its close_notify behind its GOAWAY, ${version}`, async () => {
      for (let i = 0; i < 10; i++) expect(await drainUnder(version)).to.equal('sent close_notify, the server saw close_notify');
    });
  }
});
