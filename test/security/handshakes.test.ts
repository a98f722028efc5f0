/** Peers that begin a handshake and never finish it (slow loris). What 10,000 of them cost is in docs/measured.md. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { shutdown, wrap } from '../../src/index.js';
import { SIDES, certificate, closed, listen, track, turns, type Side } from '../support/pair.js';

const MANY = 50;
const CONTEXT = tls.createSecureContext(certificate);
/** A record of the handshake whose end never comes. */
const BEGINNING = Buffer.from([0x16, 3, 3, 0x10, 0, 1, 0, 0x0f, 0xfc, 3, 3]);

interface Slow {
  readonly socket: TLSSocket;
  readonly transport: net.Socket;
  /** One byte more. */
  drip(): void;
}

async function connect(port: number, server: net.Server, side: Side): Promise<Slow> {
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const peer = track(net.connect({ port, host: '127.0.0.1', noDelay: true }));
  const [[transport]] = await Promise.all([accepted, once(peer, 'connect')]);
  peer.on('error', () => {});
  const socket = track(wrap(track(transport), side === 'server' ? { isServer: true, secureContext: CONTEXT } : { rejectUnauthorized: false }));
  socket.on('error', () => {});
  let sent = 0;
  return { socket, transport, drip: () => void peer.write(Buffer.of(BEGINNING[sent++] ?? 0)) };
}

for (const side of SIDES) {
  describe(`handshakes that are never finished, wrap as ${side}`, () => {
    it('last until somebody ends them: no call waits for them, and each byte is taken', async () => {
      const server = net.createServer();
      const port = await listen(server);
      const all: Slow[] = [];
      while (all.length < MANY) all.push(await connect(port, server, side));
      for (let i = 0; i < BEGINNING.length + 5; i++) {
        for (const { drip } of all) drip();
        await turns();
      }
      for (const { transport } of all) while (transport.bytesRead < BEGINNING.length + 5) await turns();
      for (const { socket } of all) {
        expect(socket.destroyed).to.equal(false);
        expect((await shutdown(socket)).error?.code).to.equal('ERR_TLS_SHUTDOWN_IN_HANDSHAKE');
      }
      for (const { socket, transport } of all) {
        const end = closed(socket);
        socket.destroy();
        await end;
        expect(transport.destroyed).to.equal(true);
      }
    });

    it("are limited by the socket's own setTimeout(), which the bytes of a handshake do not begin anew", async () => {
      const server = net.createServer();
      const { socket, transport, drip } = await connect(await listen(server), server, side);
      let isOver = false;
      socket.setTimeout(300, () => (isOver = true));
      for (let i = 0; !isOver; i++) {
        if (i < 4000) drip(); // the record is longer
        await turns();
      }
      expect(socket.destroyed).to.equal(false);
      expect(transport.bytesRead).to.be.greaterThan(BEGINNING.length);
    });
  });
}
