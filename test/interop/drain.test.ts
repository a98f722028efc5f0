/** Drained servers, with Python's and OpenSSL's own clients as judges of the end. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { drainable, type DrainReport } from '../../src/index.js';
import { Child } from './support/child.js';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { CERT_FILE, fromRoot, KEY_FILE, VERSIONS, type Version } from './support/ends.js';
import { startClient } from './support/openssl.js';
import { requirePrograms } from './support/programs.js';

const SERVERS: Record<string, (options: tls.TlsOptions) => tls.Server> = {
  'tls.Server': (options) => tls.createServer(options, (socket) => socket.write('data')),
  'https.Server': (options) => https.createServer(options, (_request, response) => response.end('data')),
  'HTTP/2 server with allowHTTP1': (options) => http2.createSecureServer({ ...options, allowHTTP1: true }, (_request, response) => response.end('data')) as unknown as tls.Server,
};

interface Draining {
  readonly port: number;
  readonly accepted: Promise<unknown>;
  drain(): Promise<DrainReport>;
}

async function start(name: string, version: Version): Promise<Draining> {
  const server = SERVERS[name]!({ key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: version, maxVersion: version });
  const drains = drainable(server, { grace: 15_000 });
  afterThisTest(() => drains.drain({ grace: 0 }));
  const accepted = once(server, 'secureConnection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, accepted, drain: () => drains.drain() };
}

for (const version of VERSIONS) {
  for (const name of Object.keys(SERVERS)) {
    describe(`drain of ${name}, ${version}`, () => {
      before(() => requirePrograms('openssl', 'python3'));
      afterEach(cleanUp);

      it('complete: openssl s_client, which answers, calls it closed', async () => {
        const { port, accepted, drain } = await start(name, version);
        const peer = startClient(port);
        await accepted;
        if (name !== 'tls.Server') {
          await peer.waitFor(/^---\n.*Verify return code.*?^---\n/ms);
          peer.type('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
        }
        await peer.waitFor(/data/);
        expect(await drain()).to.include({ total: 1, complete: 1 });
        expect(await peer.exitStatus()).to.equal(0);
        expect(peer.output).to.match(/closed$/m).and.not.match(/unexpected eof/);
      });

      for (const [plan, kind] of [
        ['second-unwrap', 'complete'],
        ['second', 'oneWay'],
      ] as const) {
        it(`${kind}: Python, which reads our alert and ${kind === 'complete' ? 'answers it' : 'sends none'}`, async () => {
          const { port, accepted, drain } = await start(name, version);
          const peer = new Child('python3', [fromRoot('test/interop/peers/peer.py'), 'client', version, String(port), plan, '1', KEY_FILE, CERT_FILE]);
          await accepted;
          await peer.waitFor(/^connected/m);
          expect(await drain()).to.include({ total: 1, [kind]: 1 });
          expect((await peer.waitFor(/^saw (.*?)\r?\n/m))[1]).to.equal('close_notify');
          expect(await peer.exitStatus()).to.equal(0);
        });
      }
    });
  }
}
