/**
 * Bulk throughput of a wrapped client socket, both directions, against `tls.connect({ socket })` over a plain pass-through `Duplex` and against
 * a direct TLS socket, in turn within one run, with the server in a process of its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { wrap } from '../src/index.js';
import { certificate } from '../test/support/pair.js';
import { median } from './statistics.js';

const MEGABYTES = Number(process.env['MEGABYTES'] ?? 1024);
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const insecure = { rejectUnauthorized: false } as const;

/** "download" gives that much, "upload" takes it. */
function serve(): void {
  const server = tls.createServer(certificate, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (order: Buffer) => {
      let left = MEGABYTES << 20;
      if (String(order) === 'download') return send(socket, left, () => socket.end());
      socket.write('go');
      socket.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        if (left === 0) socket.end('done');
      });
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
}

function send(socket: tls.TLSSocket, bytes: number, done: () => void): void {
  const chunk = Buffer.alloc(1 << 16);
  const more = (): void => {
    while (bytes > 0) {
      bytes -= chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', more);
    }
    done();
  };
  more();
}

class PassThroughDuplex extends Duplex {
  readonly raw: net.Socket;

  constructor(raw: net.Socket) {
    super();
    this.raw = raw;
    raw.on('data', (chunk) => this.push(chunk) || raw.pause());
    raw.on('end', () => this.push(null));
  }
  override _read(): void {
    this.raw.resume();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.raw.write(chunk, callback);
  }
  override _final(callback: () => void): void {
    this.raw.end(callback);
  }
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.raw.destroy();
    callback(error);
  }
}

const ways = {
  wrap: (port: number) => wrap(net.connect(port, '127.0.0.1'), insecure),
  'a pass-through Duplex': (port: number) => tls.connect({ socket: new PassThroughDuplex(net.connect(port, '127.0.0.1')), ...insecure }),
  'tls.connect': (port: number) => tls.connect({ port, host: '127.0.0.1', ...insecure }),
};

async function transfer(socket: tls.TLSSocket, order: 'download' | 'upload'): Promise<number> {
  await once(socket, 'secureConnect');
  socket.write(order);
  const start = performance.now();
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  if (order === 'upload') {
    await once(socket, 'data'); // the server is ready
    send(socket, MEGABYTES << 20, () => {});
  }
  await once(socket, 'end');
  const seconds = (performance.now() - start) / 1000;
  if (received !== (order === 'upload' ? 6 : MEGABYTES << 20)) throw new Error(`received ${received} bytes`);
  socket.destroy();
  return MEGABYTES / seconds;
}

async function run(): Promise<void> {
  const server = fork(new URL(import.meta.url), ['server']);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(message as number)));
  console.log(`node ${process.version}, ${MEGABYTES} MB, MB/s, median of ${ROUNDS}:`);
  for (const order of ['download', 'upload'] as const) {
    const speeds: Record<string, number[]> = {};
    for (let round = 0; round < ROUNDS; round++) for (const [name, connect] of Object.entries(ways)) (speeds[name] ??= []).push(await transfer(connect(port), order));
    const wrapped = median(speeds['wrap']!);
    for (const [name, values] of Object.entries(speeds)) {
      console.log(`  ${order.padEnd(8)} ${name.padEnd(22)} ${median(values).toFixed(0).padStart(5)}   wrap / this: ${(wrapped / median(values)).toFixed(2)}`);
    }
  }
  server.kill();
}

if (process.argv[2] === 'server') serve();
else await run();
