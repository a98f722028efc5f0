/** Clients that ask one request after the other, until the server takes no new connection. Nothing is sent again here but what HTTP/2 says was not processed. */
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import tls, { type TLSSocket } from 'node:tls';
import { drainAgent, getShutdown, watch, type DrainOptions } from 'tls-graceful-shutdown';
import type { Version } from '../../../test/support/pair.js';
import { isRefused, isTooLate } from '../../refused.js';
import { bytesOf } from '../bytes.js';
import type { Drained } from './serving.js';
import { HOST, remember, versionsOf } from './sockets.js';
import { timed } from './timed.js';

export interface AskPlan {
  readonly kind: 'https' | 'http2';
  readonly version: Version;
  readonly port: number;
  /** Each has a connection of its own. */
  readonly clients: number;
  /** Of each answer. */
  readonly length: number;
}

export interface Asked {
  /** Paths that were answered whole. */
  readonly answered: string[];
  readonly lost: string[];
  /** Requests of HTTP/2 that the server has provably not processed. */
  refused: number;
  /** Whose new connection was refused: the server is closed. */
  turnedAway: number;
  /** How the connections have ended, as this side saw it: our half, and the server's. */
  readonly sent: Record<string, number>;
  readonly ends: Record<string, number>;
}

const asked: Asked = { answered: [], lost: [], refused: 0, turnedAway: 0, sent: {}, ends: {} };
let onAnswer = (): void => {};
/** Connections. */
let open = 0;
let onClose = (): void => {};
let finished: Promise<unknown> = Promise.resolve();

function counted(socket: TLSSocket): TLSSocket {
  watch(remember(socket)).once('secureConnect', () => {
    open++;
    socket.once('close', () => {
      open--;
      onClose();
      const { sent, received } = getShutdown(socket);
      asked.sent[sent] = (asked.sent[sent] ?? 0) + 1;
      asked.ends[received] = (asked.ends[received] ?? 0) + 1;
    });
  });
  return socket;
}

class CountingAgent extends https.Agent {
  override createConnection(...args: Parameters<https.Agent['createConnection']>): ReturnType<https.Agent['createConnection']> {
    return counted(super.createConnection(...args) as TLSSocket);
  }
}

const agentOf = (version: Version, maxSockets: number): https.Agent => new CountingAgent({ keepAlive: true, maxSockets, rejectUnauthorized: false, ...versionsOf(version) });

/** No connection was made: there the server listens no more. */
class TurnedAway extends Error {}

/** One in four has a body. */
const uploadOf = (path: string, number: number): Buffer | undefined => (number % 4 === 3 ? bytesOf(`${path}, upload`, 600) : undefined);

async function askHttps(agent: https.Agent, port: number, path: string, length: number, upload: Buffer | undefined): Promise<Buffer> {
  const headers = upload === undefined ? {} : { 'x-length': upload.length };
  const request = https.request({ agent, host: HOST, port, path: `${path}?${length}`, method: upload === undefined ? 'GET' : 'POST', headers });
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ECONNREFUSED' ? new TurnedAway() : error));
    request.end(upload);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function sessionOf(version: Version, port: number): Promise<ClientHttp2Session> {
  const createConnection = (): TLSSocket => counted(tls.connect({ host: HOST, port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...versionsOf(version) }));
  const session = http2.connect(`https://${HOST}:${port}`, { createConnection });
  try {
    await once(session, 'connect');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? new TurnedAway() : error;
  }
  return session.on('error', () => {}); // its streams tell
}

/** The server has not acted on it. */
class Refused extends Error {}

async function askHttp2(session: ClientHttp2Session, path: string, length: number, upload: Buffer | undefined): Promise<Buffer> {
  let stream;
  try {
    stream = session.request({ ':path': `${path}?${length}`, ':method': upload === undefined ? 'GET' : 'POST', ...(upload === undefined ? {} : { 'x-length': upload.length }) });
  } catch (error) {
    throw isTooLate(error) ? new Refused() : error;
  }
  const chunks: Buffer[] = [];
  let failure: Error | undefined;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', (error) => (failure = error)).end(upload);
  await new Promise((resolve) => stream.once('close', resolve));
  if (failure === undefined && stream.rstCode === 0) return Buffer.concat(chunks);
  throw isRefused(stream) ? new Refused() : (failure ?? new Error(`reset with ${stream.rstCode}`));
}

function check(path: string, length: number, body: Buffer): void {
  if (body.equals(bytesOf(path, length))) {
    asked.answered.push(path);
    onAnswer();
  } else asked.lost.push(`${path}: an answer of ${body.length} bytes that are not what was sent`);
}

async function httpsClient(client: number, { version, port, length }: AskPlan): Promise<void> {
  const agent = agentOf(version, 1);
  for (let i = 0; ; i++) {
    const path = `/${client}-${i}`;
    try {
      check(path, length, await askHttps(agent, port, path, length, uploadOf(path, i)));
    } catch (error) {
      if (error instanceof TurnedAway) break;
      asked.lost.push(`${path}: ${(error as Error).message}`);
    }
  }
  asked.turnedAway++;
}

/** Four requests at a time on one session, and another session when that has ended. */
async function http2Client(client: number, { version, port, length }: AskPlan): Promise<void> {
  let session = sessionOf(version, port);
  const loop = async (number: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const path = `/${client}-${number}-${i}`;
      for (let isAnswered = false; !isAnswered; ) {
        const current = session;
        try {
          check(path, length, await askHttp2(await current, path, length, uploadOf(path, i)));
          isAnswered = true;
        } catch (error) {
          if (error instanceof TurnedAway) return;
          if (error instanceof Refused) {
            asked.refused++;
            if (session === current) session = sessionOf(version, port);
          } else {
            asked.lost.push(`${path}: ${(error as Error).message}`);
            isAnswered = true;
          }
        }
      }
    }
  };
  await Promise.all([0, 1, 2, 3].map(loop));
  asked.turnedAway++;
}

export function startAsking(plan: AskPlan): void {
  const client = plan.kind === 'https' ? httpsClient : http2Client;
  finished = Promise.all(Array.from({ length: plan.clients }, (_, i) => client(i, plan)));
}

/** Resolves once so many are answered. */
export async function answered(count: number): Promise<void> {
  while (asked.answered.length < count) await new Promise<void>((resolve) => (onAnswer = resolve));
}

/** When all clients were turned away, and their connections are closed. */
export async function finishAsking(_none: undefined): Promise<Asked> {
  await finished;
  while (open > 0) await new Promise<void>((resolve) => (onClose = resolve));
  return asked;
}

export const askedSoFar = (_none: undefined): Asked => asked;

const pools: https.Agent[] = [];

/** A new pool, and so many requests at once on its few connections. */
export function askByPool({ version, port, length, requests, path = '/pool' }: { version: Version; port: number; length: number; requests: number; path?: string }): void {
  const pool = agentOf(version, 4);
  pools.push(pool);
  const one = async (i: number): Promise<void> => {
    const name = `${path}-${i}`;
    try {
      check(name, length, await askHttps(pool, port, name, length, uploadOf(name, i)));
    } catch (error) {
      asked.lost.push(`${name}: ${(error as Error).message}`);
    }
  };
  const before = finished;
  finished = Promise.all([before, ...Array.from({ length: requests }, (_, i) => one(i))]);
}

export async function drainPools(options: DrainOptions): Promise<Drained[]> {
  return await Promise.all(
    pools.splice(0).map(async (pool) => {
      const { result: report, ...time } = await timed(() => drainAgent(pool, options));
      return { report, ...time };
    }),
  );
}

const sessions: ClientHttp2Session[] = [];

/** So many sessions, each with a request that is never answered. */
export async function openSessions({ version, port, count }: { version: Version; port: number; count: number }): Promise<void> {
  const opened = await Promise.all(Array.from({ length: count }, () => sessionOf(version, port)));
  for (const [i, session] of opened.entries()) session.request({ ':path': `/never-${i}` }).on('error', () => {});
  sessions.push(...opened);
}

export async function destroySessions(_none: undefined): Promise<void> {
  await Promise.all(
    sessions.splice(0).map(async (session) => {
      if (session.closed && session.destroyed) return;
      const closed = new Promise((resolve) => session.once('close', resolve));
      session.destroy();
      await closed;
    }),
  );
}
