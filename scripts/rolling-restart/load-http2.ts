/**
 * Node's HTTP/2 client: one session, several streams at a time. When a GOAWAY comes, the next request opens a new session. A request that the server
 * has refused, or that was never sent, is sent again, whatever its method, and counted apart.
 */
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import tls from 'node:tls';
import { setImmediate } from 'node:timers/promises';
import { isRefused, isTooLate } from '../refused.js';
import { PATIENCE, count, keepLoading, tally, type Ports, type Send } from './client.js';

let current: Promise<ClientHttp2Session> | undefined;

async function connect(port: number): Promise<ClientHttp2Session> {
  const createConnection = (): tls.TLSSocket => count(tls.connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false }));
  const session = http2.connect(`https://127.0.0.1:${port}`, { createConnection });
  const leave = (): void => {
    if (mine === current) current = undefined;
  };
  session.on('goaway', leave).on('close', leave).on('error', leave);
  await Promise.resolve();
  const mine = current;
  await once(session, 'connect', { signal: AbortSignal.timeout(PATIENCE) });
  return session;
}

/** The server has not acted on it. */
class Refused extends Error {}

function request(session: ClientHttp2Session, path: string, method: string): ClientHttp2Stream {
  try {
    return session.request({ ':path': path, ':method': method });
  } catch (error) {
    throw isTooLate(error) ? new Refused() : error;
  }
}

async function attempt({ path, upload, port }: Parameters<Send>[0]): Promise<Buffer> {
  const stream = request(await (current ??= connect(port)), path, upload === undefined ? 'GET' : 'POST');
  stream.setTimeout(PATIENCE, () => stream.destroy(new Error('no answer')));
  let status: unknown;
  let failure: NodeJS.ErrnoException | undefined;
  const chunks: Buffer[] = [];
  stream.on('response', (headers) => (status = headers[':status']));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (error) => (failure = error));
  stream.end(upload);
  await new Promise((resolve) => stream.once('close', resolve));
  if (failure === undefined && status === 200 && stream.rstCode === 0) return Buffer.concat(chunks);
  if (isRefused(stream)) throw new Refused();
  throw Object.assign(new Error(`${failure?.message ?? 'closed'}: status ${String(status)}, reset ${stream.rstCode}`), { code: failure?.code });
}

const send: Send = async (what) => {
  for (;;) {
    try {
      return await attempt(what);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tally.refused++;
      await setImmediate();
    }
  }
};

export const run = ({ http2: port }: Ports): Promise<void> => keepLoading(send, [port]);
