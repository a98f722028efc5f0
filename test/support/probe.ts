/** What tests of the probe share: servers that close in their own ways, and reports in short. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { probe, serve, type End, type ProbeOptions, type ProbeReport, type ServeOptions, type Serving } from '../../src/probe/index.js';
import { certificate, listen, track } from './pair.js';

/** Each answer as `question version end`. */
export function ends({ answers }: ProbeReport): string[] {
  return answers.map(({ question, version, end }) => `${question} ${version} ${end}`);
}

export function endOf({ answers }: ProbeReport, question: string, version?: string): End | undefined {
  return answers.find((answer) => answer.question === question && (version === undefined || answer.version === version))?.end;
}

export function detailOf({ answers }: ProbeReport, question: string): string | undefined {
  return answers.find((answer) => answer.question === question)?.detail;
}

/** Asks a server of this test. */
export function probeLocal(port: number, options: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  return probe({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
}

/** Servers with the certificate of the fixtures. The drain at their end has nothing to wait for. */
export async function serving(options: ServeOptions = {}): Promise<Serving> {
  const running = await serve({ ...certificate, ...options });
  track({ destroy: () => void running.close() }); // of a test that has failed
  return running;
}

/** A TLS server that does what a test wants, with TCP under it at hand. It ends its side behind the client's, if the test does not see to that. */
export async function tlsServer(onSocket: (socket: TLSSocket, raw: Socket) => void, options: tls.TlsOptions = {}): Promise<number> {
  const server = tls.createServer({ ...certificate, allowHalfOpen: true, ...options });
  const raws = new Map<number, Socket>();
  server.on('connection', (raw) => raws.set(raw.remotePort!, track(raw)));
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    track(socket).on('error', () => {});
    const listeners = socket.listenerCount('end');
    onSocket(socket, raws.get(socket.remotePort!)!);
    if (socket.listenerCount('end') === listeners) socket.on('end', () => socket.end());
  });
  return await listen(server);
}

/** A server in plaintext. */
export async function plainServer(onSocket: (socket: Socket) => void): Promise<number> {
  return await listen(net.createServer({ allowHalfOpen: true }, (socket) => onSocket(track(socket).on('error', () => {}))));
}

/** A port at which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const PROGRAM = fileURLToPath(new URL('../../src/probe/cli/main.js', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. Without a terminal, and with no wish for colours in its environment but those given. */
export function runProgram(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { NO_COLOR, FORCE_COLOR, NODE_OPTIONS, ...inherited } = process.env;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, ...args], { env: { ...inherited, ...environment } }, (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }));
    track({ destroy: () => void child.kill('SIGKILL') });
  });
}

export { PROGRAM };
