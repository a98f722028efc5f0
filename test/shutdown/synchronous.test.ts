/** A transport that hands over what is written at once: the read callback of one socket runs within the `end()` of the other. */
import { expect } from 'chai';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { VERSIONS, certificate, track, turns } from '../support/pair.js';

/** As `stream.duplexPair()` of Node 22. */
function duplexPair(): [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, callback) {
        other().push(chunk);
        callback();
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  const a: Duplex = end(() => b);
  const b: Duplex = end(() => a);
  return [a, b];
}

for (const version of VERSIONS) {
  it(`claims no alert that a Duplex has not taken when the socket is destroyed, ${version}`, async () => {
    const [x, y] = duplexPair();
    track(new tls.TLSSocket(y, { isServer: true, ...certificate, maxVersion: version }));
    const socket = watch(track(tls.connect({ socket: x, rejectUnauthorized: false })));
    await once(socket, 'secureConnect');
    x._write = () => {}; // never calls back
    socket.end();
    const over = once(socket, 'close');
    socket.destroy();
    await over;
    await turns();
    expect(getShutdown(socket).sent).to.equal('queued');
  });

  it(`is NOT_SENT where the Duplex was destroyed before, ${version}`, async () => {
    const [x, y] = duplexPair();
    track(new tls.TLSSocket(y, { isServer: true, ...certificate, maxVersion: version }));
    const socket = watch(track(tls.connect({ socket: x, rejectUnauthorized: false })));
    await once(socket, 'secureConnect');
    await turns();
    const result = shutdown(socket);
    x.destroy();
    expect((await result).value).to.equal(-1);
    expect((await result).state.sent).not.to.equal('close_notify');
  });

  for (const how of ['a shutdown', "somebody's end()"]) {
    it(`loses nothing by ${how} in a 'data' callback within another socket's shutdown, ${version}`, async () => {
      const [x, y] = duplexPair();
      const reader = watch(track(new tls.TLSSocket(y, { isServer: true, ...certificate, maxVersion: version })));
      const writer = track(tls.connect({ socket: x, rejectUnauthorized: false }));
      await once(writer, 'secureConnect');
      await turns();
      let read = 0;
      let answer: Promise<number> | undefined;
      reader.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (how !== 'a shutdown') reader.end();
        answer ??= gracefulShutdown(reader as TLSSocket, { bidirectional: true });
      });
      writer.setMaxSendFragment(1024); // several records in one chunk of the transport
      writer.resume().cork();
      writer.write(Buffer.alloc(100_000));
      expect(await gracefulShutdown(writer, { bidirectional: true })).to.equal(1);
      expect(await answer).to.equal(1);
      expect(read).to.equal(100_000);
    });
  }
}
