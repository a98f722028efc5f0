/** The `Duplex` under a watched socket goes away: what we run late first asks whether it may still run. Node's own shutdown would fail an assertion that ends the process. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, shutdown, watch } from '../../src/index.js';
import { VERSIONS, certificate, listen, track, turns } from '../support/pair.js';
import { duplexOver } from '../support/transports.js';

const GOES: Record<string, (duplex: Duplex) => unknown> = {
  'is destroyed': (duplex) => duplex.destroy(),
  'is destroyed with an error': (duplex) => duplex.destroy(new Error('gone')),
  ends: (duplex) => duplex.push(null),
  'is ended': (duplex) => duplex.end(),
};
const THEN: Record<string, (socket: TLSSocket) => unknown> = {
  'end()': (socket) => socket.end(),
  'destroy()': (socket) => socket.destroy(),
  'destroySoon()': (socket) => socket.destroySoon(),
  'end() with data': (socket) => socket.end('the end'),
  'a shutdown': (socket) => shutdown(socket, { timeout: 100 }),
  'a quiet shutdown': (socket) => shutdown(socket, { quiet: true, timeout: 100 }),
};
const WHEN: Record<string, (duplex: Duplex, go: () => void, then: () => void) => void> = {
  'in the same turn': (_duplex, go, then) => (go(), then()),
  'before it, in the same turn': (_duplex, go, then) => (then(), go()),
  "at its 'close'": (duplex, go, then) => (duplex.once('close', then), go()),
  'a tick later': (_duplex, go, then) => (go(), process.nextTick(then)),
};

async function connected(version: (typeof VERSIONS)[number]): Promise<[Duplex, TLSSocket]> {
  const server = tls.createServer({ ...certificate, maxVersion: version, allowHalfOpen: true }, (socket) => track(socket).on('error', () => {}));
  const raw = track(net.connect({ port: await listen(server), host: '127.0.0.1', allowHalfOpen: true }));
  const duplex = duplexOver(raw);
  const socket = watch(track(tls.connect({ socket: duplex, rejectUnauthorized: false })));
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  await turns();
  return [duplex, socket];
}

for (const version of VERSIONS) {
  describe(`a Duplex that goes away under a watched socket, ${version}`, () => {
    for (const [how, go] of Object.entries(GOES)) {
      for (const [what, then] of Object.entries(THEN)) {
        for (const [when, order] of Object.entries(WHEN)) {
          it(`ends no process and claims no alert that did not leave: it ${how}, ${what} ${when}`, async () => {
            const [duplex, socket] = await connected(version);
            order(duplex, () => void go(duplex), () => void then(socket));
            await turns(5);
            const { sent, received } = getShutdown(socket);
            expect(received).not.to.equal('close_notify');
            if (how.startsWith('is destroyed') && when !== 'before it, in the same turn') expect(sent).not.to.equal('close_notify');
          });
        }
      }
    }
  });
}
