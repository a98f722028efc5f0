/** How servers are drained: clients of Node's make requests all the while, and none may be lost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { getShutdown, watch, type DrainReport } from '../../src/index.js';
import { certificate, seenBy } from '../../test/support/pair.js';
import type { Kind, Line, Run } from './shared.js';

/** What its clients have seen. */
interface Truth {
  answered: number;
  readonly lost: string[];
  /** How idle connections were ended: of TLS what `getShutdown` says, else `end` or `reset`. */
  readonly idle: string[];
}

interface Client {
  /** Resolves when the connection is over. */
  readonly over: Promise<void>;
}

const insecure = { host: '127.0.0.1', rejectUnauthorized: false } as const;

/** Makes one request behind the other until there is no server any more, or the answer says that this connection is over. */
function busy(port: number, truth: Truth, secure: boolean, path: string): Client {
  const protocol = secure ? https : http;
  const agent = new protocol.Agent({ keepAlive: true, maxSockets: 1 });
  const request = async (): Promise<string | undefined> => {
    const [response] = (await once(protocol.get({ ...insecure, port, path, agent }), 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    if (text !== `answer to ${path}`) throw new Error(`got ${JSON.stringify(text)}`);
    truth.answered++;
    return response.headers.connection;
  };
  const over = (async () => {
    try {
      while ((await request()) !== 'close') await wait(5);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') truth.lost.push(`${path}: ${(error as Error).message}`);
    }
    agent.destroy();
  })();
  return { over };
}

/** Requests that are refused by a GOAWAY were not served, and may be repeated; one without an answer is lost. */
function busyHttp2(port: number, truth: Truth, secure: boolean, path: string): Client {
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  const request = async (): Promise<void> => {
    const stream = session.request({ ':path': path });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', () => {});
    await new Promise((resolve) => stream.once('close', resolve));
    if (text === `answer to ${path}`) truth.answered++;
    else if (stream.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM) truth.lost.push(`${path}: ${JSON.stringify(text)}, code ${stream.rstCode}`);
  };
  const over = (async () => {
    await once(session, 'connect');
    while (!session.closed && !session.destroyed) await Promise.all([request(), wait(5)]);
    if (!session.destroyed) await once(session, 'close');
  })();
  return { over };
}

/** Asks for one answer, and then does nothing. A server of its own protocol says goodbye. */
async function idle(port: number, truth: Truth, secure: boolean, question: string, goodbye: boolean): Promise<Client> {
  const socket = secure ? watch(tls.connect({ ...insecure, port })) : net.connect({ host: '127.0.0.1', port });
  socket.setNoDelay().write(question);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  const over = new Promise<void>((resolve) => {
    socket.once('error', ({ message }) => truth.idle.push(message));
    socket.once('end', () => {
      truth.idle.push(secure ? seenBy(socket as TLSSocket) : 'end');
      if (!text.includes('answer to') || (goodbye && !text.endsWith('bye\n'))) truth.lost.push(`an idle one has got ${JSON.stringify(text)}`);
    });
    socket.once('close', () => resolve());
  });
  await once(socket, 'data');
  return { over };
}

async function clientsOf(kind: Kind, port: number, truth: Truth): Promise<Client[]> {
  const secure = !['http', 'http2 without TLS', 'net'].includes(kind);
  const paths = ['/', '/', '/', '/', '/slow', '/slow'];
  const isHttp2 = kind.startsWith('http2');
  if (isHttp2) return paths.map((path) => busyHttp2(port, truth, secure, path));
  if (kind === 'tls' || kind === 'net') return Promise.all(paths.map(() => idle(port, truth, secure, 'hello\n', true)));
  const connections = paths.map((path) => busy(port, truth, secure, path));
  return [...connections, ...(await Promise.all(paths.map(() => idle(port, truth, secure, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', false))))];
}

function judged(report: DrainReport | undefined): string[] {
  if (report === undefined) return ['no report'];
  return report.failed + report.forced > 0 || report.total !== report.complete + report.oneWay ? ['not all ended in order'] : [];
}

/** An agent of the runtime's, with a server of Node's that sees how its connections end. */
export async function tryPool(run: Run): Promise<{ result: string; complaints: string[] }> {
  const server = watch(https.createServer(certificate, (request, response) => void setTimeout(() => response.end(`answer to ${request.url}`), request.url === '/' ? 0 : 300)));
  const ends: string[] = [];
  server.on('secureConnection', (socket: TLSSocket) => socket.once('close', () => ends.push(getShutdown(socket).received)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { report } = JSON.parse(await run('pool', String((server.address() as AddressInfo).port))) as Line;
    const unclean = ends.filter((end) => end !== 'close_notify').map((end) => `a connection ended by ${end}`);
    return { result: JSON.stringify(report), complaints: [...judged(report), ...unclean] };
  } finally {
    server.close();
  }
}

function unclean({ idle }: Truth): string[] {
  return idle.filter((end) => end !== 'close_notify' && end !== 'end').map((end) => `an idle connection ended by ${end}`);
}

/** How a server is started. */
export interface Start {
  readonly kind: Kind;
  readonly command: string;
  /** As far as the program, with it. */
  readonly args: readonly string[];
  readonly mayRefuse: boolean;
}

/** What the runtime's server does: its report and what is wrong, or why it is refused. */
export async function tryDrain({ kind, command, args, mayRefuse }: Start): Promise<{ result: string; complaints: string[] }> {
  const child = spawn(command, [...args, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<Line> => JSON.parse((await lines.next()).value ?? '{}') as Line;
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  try {
    const { port, refused } = await line();
    if (refused !== undefined) return { result: `refused: ${refused}`, complaints: mayRefuse ? [] : ['is refused'] };
    if (port === undefined) return { result: '', complaints: ['does not listen'] };
    const truth: Truth = { answered: 0, lost: [], idle: [] };
    const clients = await clientsOf(kind, port, truth);
    await wait(300);
    child.kill('SIGTERM');
    const { report } = await line();
    await Promise.all(clients.map(({ over }) => over));
    const [code, signal] = await exited;
    const complaints = truth.lost.map((what) => `lost: ${what}`);
    if (code !== 0) complaints.push(`exit ${code ?? signal}`);
    complaints.push(...unclean(truth));
    complaints.push(...judged(report));
    return { result: `${truth.answered} answers, ${truth.idle.length} idle; ${JSON.stringify(report)}`, complaints };
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** The same of a server that knows nothing of this package, which a preload drains. It ends by the signal, as it would have; in Deno perhaps with exit code 0. */
export async function tryRegister({ kind, command, args, mayRefuse }: Start): Promise<{ result: string; complaints: string[] }> {
  const child = spawn(command, [...args, kind, 'register'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  try {
    const line = (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value as string | undefined;
    if (line === undefined) {
      const [code] = await closed;
      return { result: `refused, exit ${code}: ${errors.trim()}`, complaints: mayRefuse && code === 9 ? [] : ['does not listen'] };
    }
    const truth: Truth = { answered: 0, lost: [], idle: [] };
    const clients = await clientsOf(kind, (JSON.parse(line) as { port: number }).port, truth);
    await wait(300);
    child.kill('SIGTERM');
    await Promise.all(clients.map(({ over }) => over));
    const [code, signal] = await closed;
    const complaints = [...truth.lost.map((what) => `lost: ${what}`), ...unclean(truth)];
    if (signal !== 'SIGTERM' && code !== 0) complaints.push(`exit ${code ?? signal}`);
    return { result: `${truth.answered} answers, ${truth.idle.length} idle`, complaints };
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
