/** TLS on a connection that was there before: what it may be, and what the TLS socket has of it. */
import { expect } from 'chai';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { unwrap, wrap } from '../../src/index.js';
import { Forger } from '../support/forger.js';
import { SIDES, VERSIONS, listen, track, turns, type Side } from '../support/pair.js';
import { KINDS, connection, gone, handshakes, readBytes, talkPlain, wrapAs, wrappedPair } from '../support/wrapped.js';

type Dying = [error: NodeJS.ErrnoException] | 'no error';

/** The error of a socket that must not emit it in this tick. */
async function errorOf(side: Side, transport: Duplex): Promise<Dying> {
  const socket = wrapAs(side, transport);
  const outcome = await Promise.race([once(socket, 'error') as Promise<[NodeJS.ErrnoException]>, new Promise<Dying>((resolve) => socket.once('close', () => resolve('no error')))]);
  await gone(socket);
  return outcome;
}

for (const side of SIDES) {
  describe(`wrap as ${side}, a transport that can't be used`, () => {
    const unusable: [what: string, code: RegExp, spoil: (transport: net.Socket, other: net.Socket) => unknown][] = [
      ['is destroyed', /STREAM_DESTROYED/, (transport) => transport.destroy()],
      ['was ended', /PREMATURE_CLOSE|WRITE_AFTER_END/, (transport) => transport.end()],
      ['has an encoding set', /STREAM_WRAP/, (transport) => transport.setEncoding('utf8')],
      ["has a 'readable' listener", /STREAM_WRAP/, (transport) => transport.on('readable', () => {})],
      [
        'was ended by its peer',
        /PREMATURE_CLOSE/,
        async (transport, other) => {
          transport.resume();
          other.end();
          await once(transport, 'end');
        },
      ],
    ];
    for (const [what, code, spoil] of unusable) {
      it(`emits 'error' in a later tick when it ${what}`, async () => {
        const [transport, other] = await connection(true);
        await spoil(transport, other);
        const outcome = await errorOf(side, transport);
        expect((outcome[0] as NodeJS.ErrnoException).code).to.match(code);
      });
    }

    it("emits 'error' when it is in object mode", async () => {
      const outcome = await errorOf(side, new PassThrough({ objectMode: true }));
      expect(outcome[0]).to.be.instanceOf(Error).with.property('code', 'ERR_STREAM_WRAP');
    });

    it("emits 'error' when it fails to connect", async () => {
      const server = net.createServer();
      const port = await listen(server);
      server.close();
      await once(server, 'close');
      const outcome = await errorOf(side, net.connect(port, '127.0.0.1'));
      expect(outcome[0]).to.be.instanceOf(Error).with.property('code', 'ECONNREFUSED');
    });

    it("emits 'error' when what comes is no TLS", async () => {
      const [transport, other] = await connection();
      other.write('EHLO example.com\r\n');
      const outcome = await errorOf(side, transport);
      expect(outcome[0]).to.be.instanceOf(Error);
      expect(transport.destroyed).to.equal(true);
    });

    it("emits 'error' when it fails, and both are destroyed", async () => {
      const [transport, other] = await connection();
      other.resume();
      const socket = wrapAs(side, transport);
      const failed = once(socket, 'error') as Promise<[Error]>;
      transport.destroy(new Error('pulled the plug'));
      expect((await failed)[0].message).to.equal('pulled the plug');
      await Promise.all([gone(socket), gone(transport)]);
    });
  });
}

describe('wrap, a transport that refuses the first write', () => {
  it("tells it when Node's HTTP client already listens, a tick after it was given the socket", async () => {
    const refused = Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET' });
    const transport = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback(refused) }).on('error', () => {});
    const request = https.get('https://localhost/', { createConnection: () => wrap(transport) });
    expect(((await once(request, 'error')) as [NodeJS.ErrnoException])[0].code).to.equal('ECONNRESET');
  });
});

describe('wrap, wrong arguments', () => {
  it('throws a TypeError for what is no Duplex and for options that are none', () => {
    for (const args of [[undefined], [{}], [new PassThrough(), null], [new PassThrough(), 'server']]) {
      expect(() => wrap(...(args as [Duplex]))).to.throw(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
    }
  });
});

for (const version of VERSIONS) {
  describe(`wrap, ${version}, STARTTLS`, () => {
    for (const kind of Object.keys(KINDS)) {
      it(`takes a ClientHello that is pipelined behind the command, buffered in ${kind}`, async () => {
        const { transport, peerTransport, raw } = await plainPair(kind);
        // The client does not wait for the server's go-ahead.
        peerTransport.write('STARTTLS\r\n');
        const client = wrapAs('client', peerTransport, version);
        while (raw.bytesRead <= 'STARTTLS\r\n'.length) await turns(1);
        expect(String(await readBytes(transport, 10))).to.equal('STARTTLS\r\n');
        await turns(3);
        const server = wrapAs('server', transport, version);
        await handshakes(client, server);
        const [plainClient, plain] = await Promise.all([unwrap(client), unwrap(server)]);
        await talkPlain(plainClient, plain);
      });

      it(`takes bytes that were put back into ${kind} as the beginning of TLS`, async () => {
        const { transport, peerTransport } = await plainPair(kind);
        const client = wrapAs('client', peerTransport, version);
        const [hello] = (await once(transport, 'data')) as [Buffer];
        transport.pause();
        transport.unshift(hello.subarray(9));
        transport.unshift(hello.subarray(0, 9));
        const server = wrapAs('server', transport, version);
        await handshakes(client, server);
        const [plainClient, plain] = await Promise.all([unwrap(client), unwrap(server)]);
        await talkPlain(plainClient, plain);
      });

      it(`begins with a plain conversation over ${kind}, and ends with one`, async () => {
        const { transport, peerTransport } = await plainPair(kind);
        await talkPlain(transport, peerTransport);
        const [client, server] = [wrapAs('client', transport, version), wrapAs('server', peerTransport, version)];
        client.write('all of it');
        const text = once(server, 'data');
        await handshakes(client, server);
        expect(String((await text)[0])).to.equal('all of it');
        const [plainClient, plain] = await Promise.all([unwrap(client), unwrap(server)]);
        await talkPlain(plainClient, plain);
      });
    }

    it('waits for a net.Socket that is still connecting', async () => {
      const listener = net.createServer();
      const port = await listen(listener);
      const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
      const client = wrapAs('client', track(net.connect(port, '127.0.0.1')), version);
      const server = wrapAs('server', track((await accepted)[0]), version);
      await handshakes(client, server);
      const [plainClient, plain] = await Promise.all([unwrap(client), unwrap(server)]);
      await talkPlain(plainClient, plain);
    });
  });

  describe(`wrap, ${version}, over a wrapped socket`, () => {
    it('is TLS in TLS, and each layer comes off by itself', async () => {
      const { ours, peer, transport, peerTransport } = await wrappedPair({ version, side: 'client', kind: 'net.Socket' });
      const [inner, innerPeer] = [wrapAs('client', ours, version), wrapAs('server', peer, version)];
      await handshakes(inner, innerPeer);
      inner.write('twice');
      expect(String((await once(innerPeer, 'data'))[0])).to.equal('twice');
      const layers = await Promise.all([unwrap(inner), unwrap(innerPeer)]);
      expect(layers).to.deep.equal([ours, peer]);
      await talkPlain(ours, peer);
      const plain = await Promise.all([unwrap(ours), unwrap(peer)]);
      expect(plain[0]).to.equal(transport);
      expect(plain[1]).to.equal(peerTransport);
      await talkPlain(...plain);
    });

    it("takes the outer layer's end for no end of the inner one", async () => {
      const { ours, peer, relay, toUs } = await wrappedPair({ version, side: 'client', kind: 'net.Socket' });
      const [inner, innerPeer] = [wrapAs('client', ours, version), wrapAs('server', peer, version)];
      innerPeer.on('error', () => {});
      await handshakes(inner, innerPeer);
      const over = gone(inner);
      const error = unwrap(inner).then(
        () => 'fulfilled',
        (reason: { code: string }) => reason.code,
      );
      const held: Buffer[] = [];
      relay.filter(toUs, (chunk) => void held.push(chunk));
      peer.end(); // the outer close_notify alone
      await turns(5);
      relay.filter(toUs, undefined);
      relay.fin(toUs);
      expect(await error).to.match(/TRUNCATED|UNVERIFIED/);
      await over;
    });
  });
}

async function plainPair(kind: string): Promise<{ transport: Duplex; raw: net.Socket; peerTransport: net.Socket }> {
  const [peerTransport, raw] = await connection(kind !== 'net.Socket');
  return { transport: track(KINDS[kind]!(raw)), raw, peerTransport };
}

/** It pushes in a microtask, as `Duplex.fromWeb` and pumps with `await` do. */
class PushesLater extends Duplex {
  readonly #raw: net.Socket;

  constructor(raw: net.Socket) {
    super();
    this.#raw = raw;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    for await (const chunk of this.#raw) {
      await null;
      this.push(chunk);
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#raw.write(chunk, callback);
  }
}

it('unwrap leaves plaintext that came in one piece with the alert to who reads later, over a Duplex that pushes in a microtask', async () => {
  const [raw, line] = await connection(true);
  const forger = track(new Forger(line, 'TLSv1.3', 'server'));
  const ours = wrapAs('client', new PushesLater(raw), 'TLSv1.3').resume();
  await forger.handshake;
  await turns(30);
  const unwrapped = unwrap(ours);
  await forger.untilOurAlert();
  await turns(30); // it reads at rest
  forger.line.write(Buffer.concat([forger.sealData('one'), forger.sealAlert(1, 0), Buffer.from('plain')]));
  const plain = await unwrapped;
  await turns(5);
  const [first] = (await once(plain, 'data')) as [Buffer];
  expect(first.toString()).to.equal('plain');
  raw.destroy();
});
