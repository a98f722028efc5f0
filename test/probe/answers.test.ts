/** Ends that `serve` has no kind for, and servers that are hard to ask. */
import { once } from 'node:events';
import net from 'node:net';
import { expect } from 'chai';
import { probe, type ProbeOptions } from '../../src/probe/index.js';
import { MAX_BYTES } from '../../src/probe/line.js';
import { certificate, listen, track, VERSIONS } from '../support/pair.js';
import { closedPort, detailOf, endOf, ends, plainServer, probeLocal, serving, tlsServer } from '../support/probe.js';

/** Whether the client's request is in this piece: the records of a handshake's end, and alerts, are shorter. */
function asks(chunk: Buffer): boolean {
  for (let at = 0; at + 5 <= chunk.length; at += 5 + chunk.readUInt16BE(at + 3)) if (chunk[at] === 0x17 && chunk.readUInt16BE(at + 3) > 90) return true;
  return false;
}

for (const version of VERSIONS) {
  const one = { versions: [version as 'TLSv1.2' | 'TLSv1.3'], timeout: 2000 } satisfies Partial<ProbeOptions>;

  describe(`probe, ${version}`, () => {
    it('names the alert with which a server ends', async () => {
      // Garbage on the path makes it send bad_record_mac.
      const origin = await tlsServer((socket) => socket.resume());
      const port = await plainServer((client) => {
        const server = track(net.connect({ port: origin, host: '127.0.0.1', allowHalfOpen: true })).on('error', () => {});
        client.pipe(server).pipe(client);
        client.on('data', (chunk: Buffer) => asks(chunk) && setImmediate(() => server.write(Buffer.from([0x17, 3, 3, 0, 32, ...Buffer.alloc(32)]))));
      });
      const report = await probeLocal(port, { ...one, questions: ['it-closes'] });
      expect(ends(report)).to.deep.equal([`it-closes ${version} alert`]);
      expect(detailOf(report, 'it-closes')).to.equal('bad_record_mac (20)');
      expect(report.verdict).to.equal('unclean');
    });

    it("takes a FIN that is forged on the path for no close_notify, though the server's own would have come", async () => {
      const origin = await tlsServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nThe first half, and the second')));
      const port = await plainServer((client) => {
        const server = track(net.connect({ port: origin, host: '127.0.0.1' })).on('error', () => {});
        client.pipe(server);
        let asked = false;
        client.on('data', (chunk: Buffer) => (asked ||= asks(chunk)));
        server.on('data', (chunk: Buffer) => (asked ? client.end() : client.write(chunk)));
      });
      const report = await probeLocal(port, { ...one, questions: ['it-closes'] });
      expect(ends(report)).to.deep.equal([`it-closes ${version} fin`]);
      expect(report.verdict).to.equal('unclean');
    });

    it('says that a server broke the rules', async () => {
      const port = await tlsServer((socket, raw) => socket.once('data', () => void raw.write(Buffer.from([0x17, 3, 3, 0, 32, ...Buffer.alloc(32)]))));
      const report = await probeLocal(port, { ...one, questions: ['it-closes'] });
      expect(endOf(report, 'it-closes')).to.equal('error');
      expect(report.verdict).to.equal('unknown');
    });

    it('reads no more than 16 MB', async () => {
      let sent = 0;
      const port = await tlsServer((socket) => {
        const more = (): void => {
          for (let full = false; !full && !socket.destroyed; sent += 65_536) full = !socket.write(Buffer.alloc(65_536));
        };
        socket.on('drain', more).once('data', more).on('end', () => {}); // it goes on behind our close_notify
      });
      const report = await probeLocal(port, { ...one, questions: ['it-closes', 'half-close'], timeout: 15_000 });
      for (const answer of report.answers) {
        expect(answer.end).to.equal('error');
        expect(answer.detail).to.match(/^more than 16 MB came, and were not read/);
        expect(answer.bytes).to.be.within(MAX_BYTES, MAX_BYTES + 65_536);
      }
      expect(report.verdict).to.equal('unknown');
    });

    it('half-close sends its request and its close_notify in one segment, and the FIN behind them', async () => {
      const origin = await tlsServer((socket) => socket.resume().on('end', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage')));
      let records = 0;
      const port = await plainServer((client) => {
        client.pipe(track(net.connect({ port: origin, host: '127.0.0.1', allowHalfOpen: true })).on('error', () => {})).pipe(client);
        client.on('data', (chunk: Buffer) => {
          if (!asks(chunk)) return;
          for (let at = chunk.indexOf(Buffer.from([0x17, 3, 3])); at + 5 <= chunk.length; at += 5 + chunk.readUInt16BE(at + 3)) records++;
        });
      });
      const report = await probeLocal(port, { ...one, questions: ['half-close'] });
      expect(records).to.equal(2);
      expect(ends(report)).to.deep.equal([`half-close ${version} close_notify`]);
      expect(detailOf(report, 'half-close')).to.equal('HTTP/1.1 200 OK, whole');
    });

    it('sees a close_notify that no FIN follows until ours is there', async () => {
      const origin = await tlsServer((socket) => socket.once('data', () => setImmediate(() => socket.end())));
      const port = await plainServer((client) => {
        const server = track(net.connect({ port: origin, host: '127.0.0.1', allowHalfOpen: true })).on('error', () => {});
        let ended = 0;
        server.on('data', (chunk: Buffer) => void client.write(chunk));
        client.on('data', (chunk: Buffer) => void server.write(chunk));
        for (const side of [server, client]) side.on('end', () => ++ended === 2 && client.end()).on('close', () => client.destroy());
        client.on('end', () => server.end());
      });
      const report = await probeLocal(port, { ...one, questions: ['it-closes'] });
      expect(ends(report)).to.deep.equal([`it-closes ${version} close_notify`]);
    });
  });
}

describe('probe', () => {
  it('does not ask a version that the server refuses', async () => {
    for (const [only, refused] of [['TLSv1.2', 'TLSv1.3'], ['TLSv1.3', 'TLSv1.2']] as const) {
      const port = await tlsServer((socket) => socket.on('end', () => socket.end()).resume(), { minVersion: only, maxVersion: only });
      const both = await probeLocal(port, { questions: ['we-close'] });
      expect(ends(both)).to.deep.equal([`we-close ${only} close_notify`]);
      expect(both.verdict).to.equal('clean');
      const alone = await probeLocal(port, { questions: ['we-close'], versions: [refused] });
      expect(ends(alone)).to.deep.equal([`we-close ${refused} error`]);
      expect(detailOf(alone, 'we-close')).to.match(/protocol_version \(70\)|unsupported protocol|refused the handshake/);
      expect(alone.verdict).to.equal('unknown');
    }
  });

  it('asks a server that takes one connection at a time all the same', async () => {
    const { servers, close } = await serving({ close: 'clean' });
    let busy = false;
    const port = await plainServer((client) => {
      if (busy) return void client.resetAndDestroy();
      busy = true;
      client.pipe(track(net.connect({ port: servers[0]!.port, host: '127.0.0.1', allowHalfOpen: true })).on('error', () => {})).pipe(client);
      client.once('close', () => (busy = false));
    });
    const report = await probeLocal(port, { versions: ['TLSv1.3'], timeout: 3000 });
    expect(ends(report)).to.deep.equal(['we-close', 'half-close', 'it-closes', 'quiet'].map((question) => `${question} TLSv1.3 close_notify`));
    await close();
  });

  it('offers protocols by ALPN, and asks over HTTP/2 if the server takes it', async () => {
    const heard: string[] = [];
    const port = await tlsServer(
      (socket) => {
        socket.once('data', (chunk: Buffer) => heard.push(`${socket.alpnProtocol} ${chunk.toString('latin1', 0, 14)}`));
        socket.on('data', () => setImmediate(() => socket.end()));
      },
      { ALPNProtocols: ['h2', 'http/1.1', 'imap'] },
    );
    await probeLocal(port, { alpn: ['h2', 'http/1.1'], questions: ['it-closes'], versions: ['TLSv1.3'] });
    await probeLocal(port, { alpn: ['http/1.1'], questions: ['it-closes'], versions: ['TLSv1.3'] });
    expect(heard).to.deep.equal(['h2 PRI * HTTP/2.0', 'http/1.1 GET / HTTP/1.1']);
    const other = await probeLocal(port, { alpn: ['imap'], questions: ['it-closes'], versions: ['TLSv1.3'] });
    expect(detailOf(other, 'it-closes')).to.equal('nothing is known that makes it answer and end: give it something to send');
    expect(other.verdict).to.equal('unknown');
  });

  it('asks for the name, and checks that the certificate is for it', async () => {
    const names = new Set<string>();
    const SNICallback = (name: string, callback: (error: null) => void): void => {
      names.add(name);
      callback(null);
    };
    const port = await tlsServer((socket) => socket.on('end', () => socket.end()).resume(), { SNICallback });
    const options = { port, ca: certificate.cert, questions: ['we-close' as const], versions: ['TLSv1.3' as const] };
    expect((await probe({ host: 'localhost', ...options })).verdict).to.equal('clean');
    expect((await probe({ host: '127.0.0.1', servername: 'localhost', ...options })).verdict).to.equal('clean');
    const wrong = await probe({ host: '127.0.0.1', servername: 'other.example', ...options });
    expect(detailOf(wrong, 'we-close')).to.match(/^the certificate is not trusted: .*other\.example.* \(ERR_TLS_CERT_ALTNAME_INVALID\)$/);
    const stranger = await probe({ host: 'localhost', port, questions: ['we-close'] });
    expect(detailOf(stranger, 'we-close')).to.match(/^the certificate is not trusted: .*\(DEPTH_ZERO_SELF_SIGNED_CERT\)$/);
    expect(names).to.deep.equal(new Set(['localhost', 'other.example']));
  });

  it('shows its own certificate, and names the alert of a server that misses one', async () => {
    const port = await tlsServer((socket) => socket.on('end', () => socket.end()).resume(), { requestCert: true, ca: certificate.cert });
    expect((await probeLocal(port, { ...certificate, questions: ['we-close'] })).verdict).to.equal('clean');
    expect(endOf(await probeLocal(port, { questions: ['we-close'], versions: ['TLSv1.2'] }), 'we-close')).to.not.equal('close_notify');
  });

  it('speaks IPv6', async () => {
    const { servers, close } = await serving({ close: 'clean', host: '::1' });
    const { port } = servers[0]!;
    const heard = await probe({ host: '::1', port, rejectUnauthorized: false });
    expect(heard.verdict).to.equal('clean');
    expect(heard).to.include({ host: '::1', port });
    await close();
  });

  it('says why there is no connection: refused, unknown name, no TLS, closed, reset, or a handshake that hangs', async () => {
    const questions = ['we-close' as const];
    const why = async (port: number, host = '127.0.0.1'): Promise<string | undefined> => detailOf(await probe({ host, port, questions, timeout: 300 }), 'we-close');
    const closed = await closedPort();
    expect(await why(closed)).to.equal(`nothing listens at 127.0.0.1:${closed} (ECONNREFUSED)`);
    expect(await why(443, 'no-such-host.invalid')).to.match(/^there is no address for the name no-such-host\.invalid \(ENOTFOUND\)$|can't be looked up now|within 300 ms$/);
    expect(await why(await plainServer((socket) => void socket.resume().write('SSH-2.0-Old\x1b]0;title\x07\r\n')))).to.equal('the server does not speak TLS here, it says "SSH-2.0-Old\\x1b]0;title\\x07\\r\\n"');
    expect(await why(await plainServer((socket) => void socket.once('data', () => socket.end())))).to.equal('the server closed the connection in the handshake');
    expect(await why(await plainServer((socket) => void socket.once('data', () => socket.resetAndDestroy())))).to.equal('the server reset the connection in the handshake (ECONNRESET)');
    expect(await why(await plainServer((socket) => void socket.resume()))).to.equal('the TLS handshake was not finished within 300 ms');
  });

  it('leaves nothing open when its signal is aborted, and rejects with the reason', async () => {
    const arrived = new Set<net.Socket>();
    const server = net.createServer((socket) => arrived.add(track(socket).on('error', () => {}).resume()));
    const port = await listen(server);
    const abort = new AbortController();
    const report = probeLocal(port, { signal: abort.signal, timeout: 10_000 });
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const closed = once(socket, 'close');
    abort.abort(new Error('enough'));
    const error = await report.then(
      () => undefined,
      (thrown: Error & { code?: string }) => thrown,
    );
    expect(error).to.include({ name: 'AbortError', code: 'ABORT_ERR' });
    expect((error?.cause as Error).message).to.equal('enough');
    await closed;
    const before = await probeLocal(port, { signal: AbortSignal.abort() }).catch((thrown: Error) => thrown);
    expect(before).to.include({ name: 'AbortError' });
  });

  it('leaves nothing open when it is aborted while it asks', async () => {
    const sockets: Promise<unknown>[] = [];
    const abort = new AbortController();
    let count = 0;
    const port = await tlsServer((socket) => {
      sockets.push(new Promise((resolve) => socket.once('close', resolve)));
      socket.resume();
      if (++count === 5) setImmediate(() => abort.abort());
    });
    const error = await probeLocal(port, { signal: abort.signal, timeout: 10_000 }).catch((thrown: Error) => thrown);
    expect(error).to.include({ name: 'AbortError' });
    expect(sockets.length).to.be.greaterThan(4);
  });
});
