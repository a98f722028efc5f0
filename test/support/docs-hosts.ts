/** What the code in the documentation talks to: to it example.com is these servers, and its own server has a visitor. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { unwrap, wrap } from '../../src/index.js';
import { text } from './pages.js';

export const identity = { key: text('fixtures/localhost.key.pem'), cert: text('fixtures/localhost.cert.pem') };

/** A module to preload: it leads connections to example.com to the servers of `Hosts`. Where the code listens on port 8443 or 4000, a visitor comes. */
export const PRELOAD = `
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';

const { PORT, PLAIN_PORTS } = process.env;
const ca = readFileSync('server.cert');
const plainConnect = net.connect;
const tlsConnect = tls.connect;
const toExample = (given) => given.some((one) => one === 'example.com' || one?.host === 'example.com');
net.connect = (...given) => (toExample(given) ? plainConnect(JSON.parse(PLAIN_PORTS)[given[0]], '127.0.0.1') : plainConnect(...given));
tls.connect = (...given) => {
  const options = given.find((one) => typeof one === 'object');
  if (toExample(given)) return tlsConnect({ ...options, host: '127.0.0.1', port: Number(PORT), servername: 'localhost', ca });
  return options.servername === 'example.com' ? tlsConnect({ ...options, servername: 'localhost', ca }) : tlsConnect(...given);
};
syncBuiltinESMExports();

const { listen } = net.Server.prototype;
const VISITORS = { 8443: visit, 4000: visitSecret };
net.Server.prototype.listen = function (...given) {
  const visitor = VISITORS[given[0]];
  if (visitor === undefined) return listen.apply(this, given);
  this.once('listening', () => visitor(this));
  return listen.call(this, 0, '127.0.0.1', ...given.slice(1));
};

/** A client that asks twice on one connection. Between the two requests it tells the process to end, if that is what the process waits for. */
async function visit(server) {
  const { port } = server.address();
  const secure = server instanceof tls.Server;
  const socket = secure ? tlsConnect({ host: '127.0.0.1', port, servername: 'localhost', ca }) : plainConnect(port, '127.0.0.1');
  const ask = () => socket.write('GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n');
  ask();
  await once(socket, 'data');
  if (process.listenerCount('SIGTERM') > 0) {
    process.kill(process.pid, 'SIGTERM');
    ask();
  }
  await once(socket.resume(), 'end');
  server.close();
}

/** A client that says a secret through TLS, and goes back to plaintext. */
async function visitSecret(server) {
  const { unwrap, wrap } = await import('tls-graceful-shutdown');
  const secure = wrap(plainConnect(server.address().port, '127.0.0.1'), { servername: 'localhost', ca });
  await once(secure, 'secureConnect');
  secure.write('a secret\\n');
  const plain = await unwrap(secure);
  plain.write('no secret\\n');
  await once(plain.resume(), 'end');
  server.close();
}
`;

/** Answers HTTP with a body that has no length, and everything else with nothing but an end for an end. */
function serveTls(socket: tls.TLSSocket): void {
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    if (chunk.toString().startsWith('GET ')) setImmediate(() => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'));
  });
}

/** FTPS with three commands: AUTH TLS and QUIT in plaintext, CCC through TLS. */
async function serveFtp(socket: net.Socket): Promise<void> {
  await once(socket, 'data');
  socket.write('234 go ahead\r\n');
  const secure = wrap(socket, { isServer: true, ...identity });
  await once(secure, 'data');
  secure.write('200 in plaintext\r\n');
  const plain = await unwrap(secure);
  await once(plain, 'data');
  plain.end('221 bye\r\n');
}

/** TLS at once, then plaintext. */
async function serveSecret(socket: net.Socket): Promise<void> {
  const secure = wrap(socket, { isServer: true, ...identity });
  await once(secure.resume(), 'end');
  const plain = await unwrap(secure);
  await once(plain, 'data');
  plain.end('thanks\n');
}

/** By the port that the code names. */
const PLAIN = { 21: serveFtp, 4000: serveSecret };

export class Hosts {
  readonly #servers: net.Server[] = [];

  /** @returns what the preloaded module has to know */
  async start(): Promise<Record<string, string>> {
    const { port } = await this.#listen(tls.createServer(identity, serveTls));
    const ports: Record<string, number> = {};
    for (const [named, serve] of Object.entries(PLAIN)) {
      const server = net.createServer((socket) => {
        socket.on('error', () => socket.destroy());
        void serve(socket);
      });
      ports[named] = (await this.#listen(server)).port;
    }
    return { PORT: String(port), PLAIN_PORTS: JSON.stringify(ports) };
  }

  async #listen(server: net.Server): Promise<AddressInfo> {
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address() as AddressInfo;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) await promisify(server.close.bind(server))();
  }
}
