/** The peers of hostile.ts, in a process of their own. */
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { PREFACE, frame, get } from '../test/support/http2.js';

export interface Order {
  readonly scene: 'handshakes' | 'half-closed' | 'pipelined' | 'streams' | 'rapid reset' | 'slow readers';
  readonly port: number;
  readonly count: number;
  readonly requests?: number;
  /** All of them are sent at once, and none is answered before. */
  readonly all?: boolean;
}

const BEGINNING = Buffer.from([0x16, 3, 3, 0x10, 0, 1, 0, 0x0f, 0xfc, 3, 3]);
const CANCEL = Buffer.of(0, 0, 0, 8);
const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

const told = { answers: 0, closeHeaders: 0, ends: 0, resets: 0 };

async function plain(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return socket.on('error', () => told.resets++).on('end', () => told.ends++);
}

async function secure(port: number, protocol?: string): Promise<TLSSocket> {
  const raw = await plain(port);
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false, allowHalfOpen: true, ...(protocol && { ALPNProtocols: [protocol] }) } as tls.ConnectionOptions);
  await once(socket, 'secureConnect');
  return socket.on('error', () => {});
}

async function inTens<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) all.push(...(await Promise.all(Array.from({ length: Math.min(50, count - all.length) }, make))));
  return all;
}

async function handshakes({ port, count }: Order): Promise<void> {
  const sockets = await inTens(count, () => plain(port));
  let sent = 0;
  setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write(Buffer.of(BEGINNING[sent] ?? 0));
    sent++;
  }, 1000);
}

async function halfClosed({ port, count }: Order): Promise<void> {
  for (const socket of await inTens(count, () => secure(port))) socket.resume();
}

/**
 * No more than so many requests wait for their answers. Node ends a TLS connection by itself, by a parse error (HPE_PAUSED), where one read brings more of them than it wants
 * to answer at a time (20 to 26, also without us).
 */
const WINDOW = Number(process.env['WINDOW'] ?? 20);

async function pipelined({ port, count, requests = 0, all = false }: Order): Promise<void> {
  const each = requests / count;
  for (const socket of await inTens(count, () => secure(port))) {
    let [sent, answered] = [0, 0];
    const more = (): void => {
      const window = all ? each : Math.min(each, answered + WINDOW);
      if (sent >= window || socket.destroyed || socket.readableEnded) return;
      socket.write(REQUEST.repeat(window - sent));
      sent = window;
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      const answers = text.split('HTTP/1.1 200').length - 1;
      answered += answers;
      told.answers += answers;
      told.closeHeaders += text.split('Connection: close').length - 1;
      if (!all) more();
    });
    socket.once('end', () => socket.end());
    more();
  }
}

async function streams({ port, requests = 0 }: Order, isReset: boolean): Promise<void> {
  const socket = await secure(port, 'h2');
  socket.once('end', () => socket.end());
  let pending = Buffer.alloc(0);
  let open = 0;
  let next = 1;
  const more = (): void => {
    const frames: Buffer[] = [];
    while (next < 2 * requests && (isReset || open < 100) && frames.length < 1000) {
      frames.push(get(next));
      if (isReset) frames.push(frame(3, 0, next, CANCEL));
      else open++;
      next += 2;
    }
    if (frames.length > 0 && !socket.destroyed) socket.write(Buffer.concat(frames), () => isReset && setImmediate(more));
  };
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let length; pending.length >= 9 && pending.length >= (length = 9 + pending.readUIntBE(0, 3)); pending = pending.subarray(length)) {
      const [type, flags] = [pending[3]!, pending[4]!];
      if (type === 4 && (flags & 1) === 0) socket.write(frame(4, 1, 0));
      if ((type === 0 || type === 1) && (flags & 1) === 1) told.answers++;
      if (type === 3) told.resets++;
      if (((type === 0 || type === 1) && (flags & 1) === 1) || type === 3) open--;
    }
    if (!isReset) more();
  });
  socket.write(Buffer.concat([PREFACE, frame(8, 0, 0, Buffer.of(0x7f, 0, 0, 0))])); // a large window for all streams together
  more();
}

/** One byte of ciphertext in each turn of a timer. */
async function slowReaders({ port, count }: Order): Promise<void> {
  const sockets = await inTens(count, async () => {
    const socket = await secure(port);
    socket.write(REQUEST);
    return socket;
  });
  setInterval(() => {
    for (const socket of sockets) socket.read(1);
  }, 10);
}

if (process.argv[2] === 'peer') {
  process.once('message', (order: Order) => {
    process.on('message', () => process.send!(told));
    const scenes = { handshakes, 'half-closed': halfClosed, pipelined, streams: (o: Order) => streams(o, false), 'rapid reset': (o: Order) => streams(o, true), 'slow readers': slowReaders };
    void scenes[order.scene](order);
  });
}
