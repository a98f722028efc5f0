import { expect } from 'chai';
import { once } from 'node:events';
import http2, { type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import { TLSSocket, type TLSSocket as TlsSocket } from 'node:tls';
import { serve } from '../support/http2.js';
import { certificate, track } from '../support/pair.js';

/** What differs: it is of the stream that Node reads, which is not the TLS socket. */
const OF_THE_STREAM = /^(_|constructor$|connect$|allowHalfOpen$|connecting$|destroyed$|writable|readable|autoSelectFamily|isPaused|domain$)/;

interface Met {
  readonly socket: TlsSocket;
  readonly session: ServerHttp2Session;
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly real: TlsSocket;
}

async function meet(carried: boolean): Promise<Met> {
  const { server, port } = await serve(carried, { requestCert: true, rejectUnauthorized: false, origins: ['https://x.example'] });
  const secure = once(server, 'secureConnection') as Promise<[TlsSocket]>;
  const requested = once(server, 'request') as Promise<[Http2ServerRequest, Http2ServerResponse]>;
  const client = track(http2.connect(`https://127.0.0.1:${port}`, { ...certificate, servername: 'localhost', rejectUnauthorized: false }));
  client.request({ ':path': '/' }).resume().on('error', () => {});
  const [[real], [request, response]] = await Promise.all([secure, requested]);
  const session = request.stream.session as ServerHttp2Session;
  return { socket: session.socket as TlsSocket, session, request, response, real };
}

const names = (): string[] => {
  const all = new Set<string>();
  for (const prototype of [TLSSocket.prototype, Socket.prototype] as object[]) for (const name of Object.getOwnPropertyNames(prototype)) all.add(name);
  for (const name of ['authorized', 'authorizationError', 'alpnProtocol', 'encrypted', 'servername', 'secureConnecting', 'server', 'ssl']) all.add(name);
  return [...all].filter((name) => !OF_THE_STREAM.test(name));
};

/** The type of the value, or the code of what reading it throws. */
function kindOf(socket: object, name: string): string {
  try {
    return typeof Reflect.get(socket, name);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

describe('session.socket of a carried session', () => {
  it('has each property of a TLSSocket that it has without us', async () => {
    const [stock, carried] = [await meet(false), await meet(true)];
    const kinds = ({ socket }: Met): Record<string, string> => Object.fromEntries(names().map((name) => [name, kindOf(socket, name)]));
    expect(kinds(carried)).to.deep.equal(kinds(stock));
    expect(carried.socket).to.be.instanceOf(TLSSocket);
  });

  it('gives what the real TLSSocket gives', async () => {
    const { socket, real } = await meet(true);
    for (const name of ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort', 'localFamily', 'encrypted', 'alpnProtocol', 'authorized', 'authorizationError', 'servername'] as const) {
      expect(socket[name], name).to.deep.equal(real[name]).and.not.equal(undefined);
    }
    for (const name of ['address', 'getCipher', 'getProtocol', 'getPeerCertificate', 'getCertificate', 'getSession', 'getTLSTicket', 'getFinished', 'getPeerFinished', 'isSessionReused', 'getSharedSigalgs', 'getEphemeralKeyInfo'] as const) {
      expect(socket[name](), name).to.deep.equal(real[name]());
    }
    expect(socket.exportKeyingMaterial(32, 'label', Buffer.alloc(4))).to.deep.equal(real.exportKeyingMaterial(32, 'label', Buffer.alloc(4)));
    expect(socket.getPeerX509Certificate()?.fingerprint256).to.equal(real.getPeerX509Certificate()?.fingerprint256).and.be.a('string');
    expect(socket.bytesRead).to.equal(real.bytesRead).and.be.above(0);
    expect(socket.setMaxSendFragment(4096)).to.equal(true);
  });

  it('is what req.socket, res.socket and req.connection show', async () => {
    const { request, response, real } = await meet(true);
    for (const socket of [request.socket, response.socket, request.connection] as TlsSocket[]) {
      expect(socket).to.deep.include({ encrypted: true, remoteAddress: '127.0.0.1', authorized: false });
      expect(socket.getPeerCertificate().fingerprint256).to.equal(real.getPeerCertificate().fingerprint256);
    }
  });

  it('passes on what is set on it, and its methods chain on itself', async () => {
    const { socket, real } = await meet(true);
    socket.authorized = true;
    expect(real.authorized).to.equal(true);
    const own = socket.off('x', () => {});
    expect(own.setKeepAlive(true)).to.equal(own);
    (socket as unknown as { user: string }).user = 'kept';
    expect((socket as unknown as { user: string }).user).to.equal('kept');
  });

  it('refs and unrefs the real socket with the session', async () => {
    const { session, real } = await meet(true);
    const { _parent } = (real as unknown as { _handle: { _parent: { hasRef(): boolean } } })._handle;
    session.unref();
    expect(_parent.hasRef()).to.equal(false);
    session.ref();
    expect(_parent.hasRef()).to.equal(true);
  });

  it('makes the session encrypted, h2, and one with an origin', async () => {
    const [stock, carried] = [await meet(false), await meet(true)];
    expect(carried.session).to.include({ encrypted: true, alpnProtocol: 'h2' });
    expect(carried.session.originSet?.length).to.equal(stock.session.originSet?.length).and.equal(1);
  });
});
