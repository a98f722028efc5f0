/** A server that drains when it is told to end, as the README shows it. Run by Node, Bun and Deno; its clients are in draining.ts. */
import { readFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import type { Kind, Line } from './shared.js';

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/localhost.${name}.pem`, import.meta.url));
const identity = { key: fixture('key'), cert: fixture('cert') };

/** `/slow` takes its time. */
const listener: RequestListener = (request, response) => {
  setTimeout(() => response.end(`answer to ${request.url}`), request.url === '/slow' ? 500 : 0);
};

/** Answers each line. */
const echo = (socket: Socket): void => {
  socket.on('error', () => {});
  socket.on('data', (line) => socket.write(`answer to ${String(line)}`));
};

const SERVERS: Record<Kind, () => net.Server> = {
  https: () => https.createServer(identity, listener),
  http2: () => http2.createSecureServer(identity, listener as never),
  tls: () => tls.createServer(identity, echo),
  http: () => http.createServer(listener),
  'http2 without TLS': () => http2.createServer(listener as never),
  net: () => net.createServer(echo),
};

const say = (line: Line): void => console.log(JSON.stringify(line));
const [, , kind, how] = process.argv;

if (kind !== undefined) {
  const server = SERVERS[kind as Kind]();
  try {
    // Else the preload does it.
    if (how !== 'register') drainOnSignal(drainable(server), { grace: 8000, finish: (socket) => void socket.write('bye\n'), onDrained: (report) => say({ report }) });
    server.listen(0, '127.0.0.1', () => say({ port: (server.address() as AddressInfo).port }));
  } catch (error) {
    say({ refused: `${(error as NodeJS.ErrnoException).code}: ${(error as Error).message}` });
  }
}
