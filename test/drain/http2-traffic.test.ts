import { expect } from 'chai';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import tls, { TLSSocket } from 'node:tls';
import { carryHttp2 } from '../../src/drain/http2.js';
import { PREFACE, RawClient, frame, get, serve } from '../support/http2.js';
import { certificate, listen, track, turns } from '../support/pair.js';

const insecure = { rejectUnauthorized: false } as const;
/** The client of Node refuses to hold more than 10 MB. */
const connect = (port: number): ClientHttp2Session => track(http2.connect(`https://127.0.0.1:${port}`, { ...insecure, maxSessionMemory: 100 }));
const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Until what `value` tells has not changed for so many turns that nothing in this process can be under way. */
async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let same = 0; same < 100; same++) {
    await turns(1);
    if (value() !== last) [last, same] = [value(), 0];
  }
  return last;
}

/** A session of a raw client, after the greetings, and the errors of the server's sessions. */
async function greeted() {
  const { server, port, connections, sessions } = await serve(true);
  const errors: unknown[] = [];
  server.on('sessionError', (error) => errors.push(error));
  const client = await RawClient.connect(port);
  client.send(PREFACE);
  await client.until(() => client.of('SETTINGS').length === 2);
  return { client, connections, sessions, socket: connections[0]!.socket, errors };
}

describe('traffic of a carried HTTP/2 session', () => {
  it('comes through whole, uploads and downloads at once', async () => {
    const { server, port } = await serve(true);
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const session = connect(port);
    const body = randomBytes(1_000_000);
    const echo = async (): Promise<string> => {
      const stream = session.request({ ':method': 'POST' });
      stream.end(body);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return hash(Buffer.concat(chunks));
    };
    expect(new Set(await Promise.all([echo(), echo(), echo(), echo()]))).to.deep.equal(new Set([hash(body)]));
  });

  it('is held back by a client that does not read, and goes on when it does', async () => {
    const { server, port, connections } = await serve(true);
    let produced = 0;
    const chunk = Buffer.alloc(65_536);
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {}).respond({ ':status': 200 });
      new Readable({ read: function () { this.push((produced += chunk.length) < 30_000_000 ? chunk : null); } }).pipe(stream);
    });
    const client = await RawClient.connect(port);
    let received = 0;
    client.socket.removeAllListeners('data').on('data', (data: Buffer) => (received += data.length));
    client.raw.pause();
    client.socket.pause();
    client.send(PREFACE, frame(4, 0, 0, Buffer.from([0, 4, 0x7f, 255, 255, 255])), frame(8, 0, 0, Buffer.from([0x7f, 255, 0, 0])), get(1));
    await once(server, 'stream');
    const held = await settled(() => produced);
    expect(held).to.be.below(20_000_000);
    expect(connections[0]!.socket.writableLength).to.be.below(500_000);
    client.socket.resume();
    await settled(() => received);
    expect(received).to.be.above(30_000_000 - chunk.length);
  });

  it('can be pushed streams, CONNECT, settings and pings', async () => {
    const { server, port, sessions } = await serve(true, { settings: { maxConcurrentStreams: 77 } });
    server.on('stream', (stream, headers) => {
      if (headers[':method'] === 'CONNECT') {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
        return;
      }
      stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
        pushed.respond({ ':status': 200 });
        pushed.end('pushed');
        stream.respond({ ':status': 200 });
        stream.end('answer');
      });
    });
    const session = connect(port);
    const pushed = once(session, 'stream') as Promise<[http2.ClientHttp2Stream]>;
    const answer = text(session.request({ ':path': '/' }));
    expect(await text((await pushed)[0])).to.equal('pushed');
    expect(await answer).to.equal('answer');
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'x:1' });
    tunnel.end('through');
    expect(await text(tunnel)).to.equal('through');
    expect(session.remoteSettings.maxConcurrentStreams).to.equal(77);
    await new Promise<void>((resolve, reject) => sessions[0]!.ping((error) => (error ? reject(error) : resolve())));
    session.settings({ enablePush: false });
    await once(sessions[0]!, 'remoteSettings');
  });

  it('ends without an error when the session is closed at the very end of the client', async () => {
    const { client, sessions, socket, errors } = await greeted();
    socket.on('error', (error) => errors.push(error));
    socket.once('end', () => sessions[0]!.close()); // its GOAWAY is written when the socket and Node's stand-in have begun to end
    client.socket.end();
    await once(sessions[0]!, 'close');
    expect(socket.destroyed).to.equal(true);
    expect(errors).to.deep.equal([]);
  });

  it('ends without an error when somebody has ended the socket under the session, which goes on writing', async () => {
    const { client, connections, sessions, socket, errors } = await greeted();
    socket.on('error', (error) => errors.push(error)).end();
    sessions[0]!.ping(() => {});
    const drained = connections[0]!.drain();
    await client.until(() => client.end !== undefined);
    client.socket.end();
    await drained;
    expect(errors).to.deep.equal([]);
  });

  it('times out as it does without us', async () => {
    const { server, port, sessions } = await serve(true);
    server.setTimeout(20);
    const client = await RawClient.connect(port);
    client.send(PREFACE);
    const [session] = (await once(server, 'timeout')) as [ServerHttp2Session];
    expect(session).to.equal(sessions[0]);
    session.close();
    client.socket.once('end', () => client.socket.end());
    await once(session, 'close');
  });
});

describe('carryHttp2', () => {
  async function clientOf(server: Http2SecureServer, ALPNProtocols: string[] | undefined): Promise<TLSSocket> {
    const socket = track(tls.connect({ port: await listen(server), host: '127.0.0.1', ...insecure, ...(ALPNProtocols && { ALPNProtocols }) } as tls.ConnectionOptions));
    await once(socket, 'secureConnect');
    return socket;
  }

  it("leaves HTTP/1 to Node's own listener", async () => {
    const { server, port, connections } = await serve(true, { allowHTTP1: true });
    const secure = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    server.on('request', (request, response) => response.end(String(request.socket === real)));
    let real: TLSSocket | undefined;
    void secure.then(([socket]) => (real = socket));
    const [response] = (await once(https.get({ port, host: '127.0.0.1', agent: false, ...insecure }), 'response')) as [Readable];
    expect(await text(response)).to.equal('true');
    expect(connections).to.deep.equal([]);
  });

  it("leaves a client without a protocol to 'unknownProtocol'", async () => {
    const server = track(http2.createSecureServer(certificate));
    carryHttp2(server, () => {});
    const unknown = once(server, 'unknownProtocol') as Promise<[TLSSocket]>;
    await clientOf(server, undefined);
    const [socket] = await unknown;
    expect(socket).to.be.instanceOf(TLSSocket);
    socket.destroy();
  });

  it("keeps the order of the 'secureConnection' listeners, and gives each the real socket, before the session is made", async () => {
    const server = track(http2.createSecureServer(certificate));
    const order: string[] = [];
    const note = (name: string) => (socket: unknown) => order.push(`${name} ${socket instanceof TLSSocket}`);
    server.prependListener('secureConnection', note('before'));
    server.once('secureConnection', note('once'));
    server.on('secureConnection', note('after'));
    carryHttp2(server, ({ socket }) => note('carried')(socket));
    server.on('session', () => order.push('session'));
    const secure = once(server, 'secureConnection');
    await clientOf(server, ['h2']);
    await secure;
    expect(order).to.deep.equal(['before true', 'carried true', 'session', 'once true', 'after true']);
    expect(server.listenerCount('session')).to.equal(1);
  });

  it('frees the socket of a client that is gone, also when Node never finishes a write', async () => {
    const server = track(http2.createSecureServer(certificate));
    carryHttp2(server, ({ socket }) => Object.assign(socket, { _write: () => {}, _writev: () => {} }), 30);
    server.on('sessionError', () => {});
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = await clientOf(server, ['h2']);
    const [socket] = await accepted;
    socket.on('pause', () => socket.resume()); // the session reads no more while it writes
    client.end(PREFACE);
    await once(socket, 'close');
    expect(socket.writableLength).to.be.above(0);
  });
});
