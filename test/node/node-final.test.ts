/** Our half is ended by Node's own `_final`, whatever it asks of its receiver. */
import { expect } from 'chai';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { shutdown, watch } from '../../src/index.js';
import { SIDES, VERSIONS, closed, listen, makePair, track, turns } from '../support/pair.js';
import { expectedWarnings } from '../support/root-hooks.js';

type Final = (this: net.Socket, callback: (error?: Error | null) => void) => void;
const methods = net.Socket.prototype as unknown as { _final: Final };
const COPY = new URL('../../copy-of-src-for-final/', import.meta.url);

for (const watched of [false, true]) {
  it(`end() before the connection is there waits for it, watched ${watched}`, async () => {
    const server = net.createServer((socket) => track(socket).on('error', () => {}).resume());
    const events: string[] = [];
    const lookup: net.LookupFunction = (_host, _options, callback) => void turns(5).then(() => callback(null, [{ address: '127.0.0.1', family: 4 }]));
    const socket = track(tls.connect({ port: await listen(server), host: 'localhost', lookup, rejectUnauthorized: false }));
    if (watched) watch(socket);
    for (const name of ['connect', 'finish', 'end', 'close']) socket.on(name, () => void events.push(name));
    const end = closed(socket.on('error', () => {}));
    socket.end();
    const [connection] = (await once(server, 'connection')) as [net.Socket];
    await once(connection, 'end'); // the FIN, behind the ClientHello
    expect(connection.bytesRead).to.be.greaterThan(100);
    connection.destroy();
    await end;
    expect(events.slice(0, 2)).to.deep.equal(['connect', 'finish']);
  });
}

describe('a _final of Node that asks more of its receiver', () => {
  const { _final: original } = methods;
  let other: typeof import('../../src/index.js');

  before(async () => {
    expectedWarnings.push(' handle.shutdown() of Node ');
    methods._final = function (callback) {
      this.listenerCount('end'); // our stand-in has no such method
      original.call(this, callback);
    };
    cpSync(new URL('../../src/', import.meta.url), COPY, { recursive: true });
    other = (await import(new URL('index.js', COPY).href)) as typeof other;
  });
  after(() => {
    methods._final = original;
    expectedWarnings.pop();
    rmSync(COPY, { recursive: true, force: true });
  });

  for (const version of VERSIONS) {
    for (const side of SIDES) {
      for (const reset of [false, true]) {
        it(`${reset ? 'is TRANSPORT after a reset' : 'is 1'}, ${version} as ${side}`, async () => {
          const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true });
          relay.holdFin(toUs);
          other.watch(ours).resume();
          peer.end();
          await once(ours, 'end');
          if (reset) relay.resetNow(toUs);
          await turns(3);
          const { value, error } = await other.shutdown(ours);
          expect(value).to.equal(reset ? -1 : 1);
          expect(error?.code).to.equal(reset ? 'ERR_TLS_SHUTDOWN_TRANSPORT' : undefined);
        });
      }
    }
  }
});

for (const side of SIDES) {
  it(`a handle that fails to be shut down is an error of the socket, as ${side}`, async () => {
    const { ours } = await makePair({ version: 'TLSv1.3', side });
    const thrown = new Error('no');
    let calls = 0;
    (ours as unknown as { _handle: { shutdown(): void } })._handle.shutdown = () => {
      calls++;
      throw thrown;
    };
    const { value, state } = await shutdown(ours.resume());
    expect({ value, sent: state.sent, calls }).to.deep.equal({ value: -1, sent: 'queued', calls: 1 });
    expect(ours.errored).to.equal(thrown);
  });
}
