/** Every alert there can be, of a real TLS implementation: only close_notify is a clean end. OpenSSL and Go send no alert that one chooses; GnuTLS does. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { summary, truth } from '../support/alert-cells.js';
import { Child } from './support/child.js';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { CERT_FILE, KEY_FILE, VERSIONS, fromRoot, type Version } from './support/ends.js';
import { requirePrograms } from './support/programs.js';

/** Each with its letter in what the peer is told (peers/alerts.c). */
const WHEN = { before: 'b', after: 'a' } as const;
const BEHIND = { nothing: 'n', 'a FIN': 'f', 'a byte': 'b', data: 'd', close_notify: 'c' } as const;
const AT_A_TIME = 16;
/** Where no close_notify will be seen, nothing may come at all. */
const SHORT = 50;
/** 5,120 connections took 8 to 27 s on two busy cores. */
const PATIENCE = 180_000;

interface Cell {
  readonly version: Version;
  readonly level: number;
  readonly description: number;
  readonly when: keyof typeof WHEN;
  readonly behind: keyof typeof BEHIND;
  readonly oneSegment: boolean;
}

const keys = <T extends object>(object: T): (keyof T)[] => Object.keys(object) as (keyof T)[];

function table(version: Version): Cell[] {
  const descriptions = Array.from({ length: 256 }, (_, description) => description);
  return [1, 2].flatMap((level) =>
    keys(WHEN).flatMap((when) => keys(BEHIND).flatMap((behind) => descriptions.map((description) => ({ version, level, description, when, behind, oneSegment: description % 2 === 0 })))),
  );
}

/** What is wrong with how the connection ended, if anything is. */
async function meet(socket: TLSSocket, cell: Cell): Promise<string | undefined> {
  const { level, description, when, behind, oneSegment } = cell;
  const real = truth(cell);
  const seen: string[] = [];
  socket.on('error', () => {});
  for (const event of ['end', 'close']) socket.on(event, () => seen.push(`${event}: ${getShutdown(socket).received}`));
  await once(socket, 'data'); // so whatever belongs to the handshake has come
  socket.resume();
  const handle = (socket as unknown as { _handle: { _parent: { bytesRead: number } } })._handle._parent;
  const before = handle.bytesRead;
  socket.write(Buffer.from([level, description, ...Buffer.from(WHEN[when] + BEHIND[behind] + (oneSegment ? '1' : '0'))]));
  while (when === 'before' && !socket.destroyed && handle.bytesRead === before) await new Promise((resolve) => setImmediate(resolve));
  const value = await gracefulShutdown(socket, { bidirectional: true, timeout: real === 'clean' ? 15_000 : SHORT });
  const { received } = getShutdown(socket);
  const saysClean = value === 1 || received === 'close_notify' || seen.some((each) => each.endsWith('close_notify'));
  socket.destroy();
  const right = real === 'clean' ? value === 1 && received === 'close_notify' : !saysClean && !(real === 'hidden' && received === 'fin');
  return right ? undefined : `${real} but ${value}, ${received} (${seen.join(', ')}): ${JSON.stringify(cell)}`;
}

/** One line for each cell that went wrong. */
async function meetAll(cells: readonly Cell[], next: () => Promise<TLSSocket>): Promise<string> {
  const wrong: string[] = [];
  const rest = cells.values();
  const worker = async (): Promise<void> => {
    for (const cell of rest) {
      const words = await meet(await next(), cell);
      if (words !== undefined) wrong.push(words);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return summary(wrong, cells.length);
}

describe('GnuTLS, which sends any alert', () => {
  let folder = '';

  before(() => {
    requirePrograms('gcc');
    folder = mkdtempSync(join(tmpdir(), 'interop-alerts-'));
    execFileSync('gcc', ['-o', join(folder, 'peer'), fromRoot('test/interop/peers/alerts.c'), '-lgnutls', '-pthread']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    const cells = table(version);
    const start = (role: 'server' | 'client', port: number): Child =>
      new Child(join(folder, 'peer'), [role, version, String(port), String(cells.length), String(AT_A_TIME), KEY_FILE, CERT_FILE]);

    it(`1 at its close_notify and at no other of 512 alerts, whatever comes behind it, before ours and after it: the peer as the server, ${version}`, async () => {
      const peer = start('server', 0);
      const port = Number((await peer.waitFor(/^listening (\d+)\s/m))[1]);
      const secureContext = tls.createSecureContext({ ca: readFileSync(CERT_FILE), minVersion: version, maxVersion: version });
      const next = async (): Promise<TLSSocket> => {
        const socket = watch(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, secureContext }));
        await once(socket, 'secureConnect');
        return socket;
      };
      expect(await meetAll(cells, next)).to.equal('');
      expect(peer.output).to.not.match(/failed/);
    }).timeout(PATIENCE);

    it(`1 at its close_notify and at no other of 512 alerts, whatever comes behind it, before ours and after it: the peer as the client, ${version}`, async () => {
      const server = watch(tls.createServer({ key: readFileSync(KEY_FILE), cert: readFileSync(CERT_FILE), minVersion: version, maxVersion: version }));
      afterThisTest(() => void server.close());
      const connections = on(server.listen(0, '127.0.0.1'), 'secureConnection');
      await once(server, 'listening');
      const peer = start('client', (server.address() as AddressInfo).port);
      const next = async (): Promise<TLSSocket> => ((await connections.next()) as { value: [TLSSocket] }).value[0];
      expect(await meetAll(cells, next)).to.equal('');
      peer.endInput();
      expect(await peer.exitStatus()).to.equal(0);
    }).timeout(PATIENCE);
  }
});
