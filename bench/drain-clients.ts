/** A client process of drain.ts: `node drain-clients.js idle|busy PORT COUNT`. */
import { once } from 'node:events';
import https from 'node:https';
import tls from 'node:tls';
import { getShutdown, watch } from '../src/index.js';

/** How many connections ended how, to their clients. */
export interface Ends {
  clean: number;
  /** By a bare FIN. */
  cut: number;
  reset: number;
  unverified: number;
}

const [, , kind, port, count] = process.argv;
const COUNT = Number(count);
const target = { port: Number(port), host: '127.0.0.1', rejectUnauthorized: false };

const ends: Ends = { clean: 0, cut: 0, reset: 0, unverified: 0 };
let open = COUNT;

/** Resumed by all but the first, which spares the server most of the cost of 10,000 handshakes. */
let session: Buffer | undefined;

/** Resolves when its first request is answered. */
async function connectIdle(): Promise<void> {
  const socket = watch(tls.connect({ ...target, session }));
  socket.once('session', (latest) => (session ??= latest));
  socket.on('error', () => {}); // getShutdown() tells of it
  socket.once('close', () => {
    const { received } = getShutdown(socket);
    ends[received === 'close_notify' ? 'clean' : received === 'fin' ? 'cut' : received === 'error' ? 'reset' : 'unverified']++;
    if (--open === 0) process.send!(ends);
  });
  await once(socket, 'secureConnect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  socket.resume();
}

async function connectAll(): Promise<void> {
  let left = COUNT - 1;
  await connectIdle();
  const worker = async (): Promise<void> => {
    while (left-- > 0) await connectIdle();
  };
  await Promise.all(Array.from({ length: 25 }, worker));
  process.send!('ready');
}

let answered = 0;
let longestGap = 0;

/** Whether the whole answer came. */
async function requestBusy(path: string, onFirst: () => void): Promise<void> {
  const request = https.get({ ...target, path, agent });
  let text = '';
  let last = 0;
  await new Promise<void>((resolve) => {
    request.on('error', () => resolve());
    request.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        if (text === '') onFirst();
        else if (path === '/stream') longestGap = Math.max(longestGap, performance.now() - last);
        last = performance.now();
        text += String(chunk);
      });
      response.on('close', () => resolve());
    });
    if (path === '/wait') request.on('finish', onFirst);
  });
  if (text.endsWith('done\n')) answered++;
}

const agent = new https.Agent({ keepAlive: true });

function requestAll(): void {
  let begun = 0;
  const onFirst = (): void => {
    if (++begun === COUNT) setTimeout(() => process.send!('ready'), 200);
  };
  const requests = Array.from({ length: COUNT }, (_, i) => requestBusy(i % 2 === 0 ? '/stream' : '/wait', onFirst));
  void Promise.all(requests).then(() => process.send!({ answered, longestGap }));
}

if (kind === 'idle') await connectAll();
else requestAll();
