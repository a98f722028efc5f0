/** A TLS client over every kind of transport that Node knows, and a peer that can end it cleanly or have it cut. */
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { certificate, listen, track, turns, type Version } from './pair.js';

export interface Ending {
  readonly ours: TLSSocket;
  readonly peer: TLSSocket;
  /** The peer's `close_notify`. */
  close(): void;
  /** The transport ends, with no alert. */
  cut(): void;
}

type Make = (version: Version, early: (socket: TLSSocket) => void) => Promise<Ending>;
const insecure = { rejectUnauthorized: false } as const;
const localhost = { host: '127.0.0.1', ...insecure } as const;

interface Origin {
  readonly server: tls.Server;
  readonly port: number;
  /** The raw socket under the peer: ending it is the cut. */
  next(): Promise<[peer: TLSSocket, raw: net.Socket]>;
}

async function origin(version: Version): Promise<Origin> {
  const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true });
  const port = await listen(server);
  server.on('secureConnection', (peer) => peer.on('error', () => {}));
  return { server, port, next: async () => await nextOf(server) };
}

async function nextOf(server: tls.Server): Promise<[TLSSocket, net.Socket]> {
  const [[raw], [peer]] = (await Promise.all([once(server, 'connection'), once(server, 'secureConnection')])) as [[net.Socket], [TLSSocket]];
  track(peer);
  await turns();
  return [peer, raw];
}

async function over(version: Version, early: (socket: TLSSocket) => void, connect: (port: number) => TLSSocket | Promise<TLSSocket>): Promise<Ending> {
  const { port, next } = await origin(version);
  const incoming = next();
  const ours = track(await connect(port));
  early(ours);
  const [peer, raw] = await incoming;
  return { ours, peer, close: () => void peer.end(), cut: () => void raw.destroy() };
}

/** A `Duplex` that is no `net.Socket`. */
export function duplexOver(raw: net.Socket): Duplex {
  return Duplex.from({ readable: raw, writable: raw }).on('error', () => {}); // a premature close, when a test ends
}

/** A `Duplex` as readable-stream 2 and 3 make it: without `readableEnded`. */
export function oldDuplex(raw: net.Socket): Duplex {
  const duplex = duplexOver(raw);
  Object.defineProperty(duplex, 'readableEnded', { value: undefined });
  return duplex;
}

async function tlsInTls(version: Version, early: (socket: TLSSocket) => void): Promise<Ending> {
  const { port, next } = await origin(version);
  let tunnel: TLSSocket | undefined;
  const proxy = tls.createServer({ ...certificate, allowHalfOpen: true }, (outer) => {
    tunnel = outer;
    const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [outer, upstream]) track(socket).on('error', () => {});
    outer.pipe(upstream).pipe(outer, { end: false });
  });
  const outer = track(tls.connect({ port: await listen(proxy), ...localhost }));
  await once(outer, 'secureConnect');
  const incoming = next();
  const ours = track(tls.connect({ socket: outer, ...insecure }));
  early(ours);
  const [[peer]] = await Promise.all([incoming, once(ours, 'secureConnect')]);
  return { ours, peer, close: () => void peer.end(), cut: () => void tunnel!.end() }; // the outer layer's own close_notify is no inner one
}

async function unixSocket(version: Version, early: (socket: TLSSocket) => void): Promise<Ending> {
  const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true });
  const path = join(tmpdir(), `tls-shutdown-${process.pid}-${Math.random().toString(36).slice(2)}`);
  track(server).listen(path);
  await once(server, 'listening');
  const incoming = nextOf(server);
  const ours = track(tls.connect({ path, ...insecure }));
  early(ours);
  const [peer, raw] = await incoming;
  peer.on('error', () => {});
  return { ours, peer, close: () => void peer.end(), cut: () => void raw.destroy() };
}

/** Our socket is the server's, read by Node's HTTP parser; the peer is the client, after one exchange. */
async function http1Server(version: Version, early: (socket: TLSSocket) => void): Promise<Ending> {
  const server = https.createServer({ ...certificate, minVersion: version, maxVersion: version }, (_request, response) => response.end('ok'));
  server.prependListener('secureConnection', early);
  return serverSide(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
}

async function http2Server(_version: Version, early: (socket: TLSSocket) => void): Promise<Ending> {
  const server = http2.createSecureServer(certificate);
  server.on('sessionError', () => {}).on('session', (session) => session.on('error', () => {}));
  server.prependListener('secureConnection', early);
  // The client's preface and an empty SETTINGS frame (RFC 9113 section 3.4).
  return serverSide(server, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', ['h2']);
}

async function serverSide(server: tls.Server | http2.Http2SecureServer, greeting: string, ALPNProtocols?: string[]): Promise<Ending> {
  const port = await listen(server);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const raw = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  await once(raw, 'connect');
  const peer = track(tls.connect({ socket: raw, allowHalfOpen: true, ...insecure, ...(ALPNProtocols ? { ALPNProtocols } : {}) } as tls.ConnectionOptions));
  peer.on('error', () => {}).write(greeting);
  const [[ours]] = await Promise.all([accepted, once(peer, 'data')]);
  return { ours: track(ours), peer, close: () => void peer.end(), cut: () => void raw.destroy() };
}

export const TRANSPORTS: Readonly<Record<string, Make>> = {
  TCP: (version, early) => over(version, early, (port) => tls.connect({ port, ...localhost })),
  'a connected net.Socket': (version, early) =>
    over(version, early, async (port) => {
      const socket = track(net.connect(port, '127.0.0.1'));
      await once(socket, 'connect');
      return tls.connect({ socket, ...insecure });
    }),
  'an unconnected net.Socket': (version, early) => over(version, early, (port) => tls.connect({ socket: net.connect(port, '127.0.0.1'), ...insecure })),
  'a Duplex': (version, early) =>
    over(version, early, (port) => {
      const raw = track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
      return tls.connect({ socket: duplexOver(raw), ...insecure });
    }),
  'a Duplex without readableEnded': (version, early) => over(version, early, (port) => tls.connect({ socket: oldDuplex(track(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }))), ...insecure })),
  'TLS in TLS': tlsInTls,
  'a Unix socket': unixSocket,
  'TCP with onread': (version, early) =>
    over(version, early, (port) => tls.connect({ port, ...localhost, onread: { buffer: Buffer.alloc(1024), callback: () => true } } as tls.ConnectionOptions)),
  'an HTTP/1 server': http1Server,
  'an HTTP/2 server': http2Server,
};
