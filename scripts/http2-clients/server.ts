/** The server of http2-clients.ts. It answers requests, of gRPC too, after up to 10 ms, and remembers which have reached it. */
import { once } from 'node:events';
import http2, { type Http2SecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { certificate } from '../../test/support/pair.js';
import { LENGTH } from './shared.js';
import { CIPHER, type KeyLog } from './tls-records.js';

/** How often each request has reached an application, by its path. */
export type Reached = Map<string, number>;

function message(length: number): Buffer {
  const framed = Buffer.alloc(5 + length);
  framed.writeUInt32BE(length, 1);
  return framed;
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (stream.destroyed) return; // the connection is gone
  if (headers['content-type'] !== 'application/grpc') {
    stream.respond({ ':status': 200, 'access-control-allow-origin': '*' });
    stream.end(Buffer.alloc(LENGTH));
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(message(LENGTH));
}

export function makeServer(reached: Reached, keyLog: KeyLog, onRequest: () => void): { server: Http2SecureServer; listen(): Promise<number> } {
  const server = http2.createSecureServer({ ...certificate, minVersion: 'TLSv1.3', ciphers: CIPHER });
  server.on('keylog', (line) => keyLog.add(line));
  server.on('stream', (stream, headers) => {
    const path = headers[':path']!;
    reached.set(path, (reached.get(path) ?? 0) + 1);
    onRequest();
    stream.on('error', () => {}); // the client has gone; it counts that itself
    stream.resume().once('end', () => setTimeout(() => answer(stream, headers), Math.random() * 10));
  });
  const listen = async (): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  return { server, listen };
}
