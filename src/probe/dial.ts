/** From nothing to a TLS connection that is ready to be asked: TCP, perhaps STARTTLS, the handshake. */
import tls, { type TLSSocket } from 'node:tls';
import { watch } from '../index.js';
import { alertName, alertNumber } from './alerts.js';
import { escaped } from './escape.js';
import type { Story } from './story.js';
import { Talk } from './talk.js';
import { Tap } from './tap.js';
import { hostAndPort, type Target, type Version } from './target.js';
import { firstOf, within } from './waiting.js';

/** Why there is no connection. */
export class DialError extends Error {
  /** `refused`: the handshake failed, but not for want of time or of trust. So another version of TLS may do. */
  readonly stage: 'connect' | 'starttls' | 'handshake' | 'refused' | 'certificate';
  readonly code: string | undefined;

  constructor(stage: DialError['stage'], message: string, code?: string) {
    super(message);
    this.stage = stage;
    this.code = code;
  }
}

export interface Dialled {
  readonly socket: TLSSocket;
  readonly tap: Tap;
}

/** On failure nothing stays open. */
export async function dial(target: Target, version: Version, story: Story): Promise<Dialled> {
  const { host, port, address = host, open } = target;
  const tap = new Tap({ host: address, port, autoSelectFamily: true }, story);
  open.add(tap);
  tap.once('close', () => open.delete(tap));
  try {
    await connect(tap, target, story);
    if (target.starttls !== undefined) await startTls(tap, target, story);
    return { tap, socket: await handshake(tap, target, version, story) };
  } catch (error) {
    tap.destroy();
    throw error;
  }
}

async function connect({ raw }: Tap, target: Target, story: Story): Promise<void> {
  const { host, port, address = host, timeout } = target;
  const where = hostAndPort(address, port);
  let failure: NodeJS.ErrnoException | undefined;
  raw.once('error', (error) => (failure = error));
  if (!(await within(timeout, firstOf([raw, 'connect', 'close'])))) throw new DialError('connect', `no TCP connection to ${where} within ${timeout} ms`);
  if (raw.destroyed) throw new DialError('connect', failureOfConnect(failure, host, where), failure?.code);
  target.address ??= raw.remoteAddress ?? host;
  story.add('us', `TCP to ${hostAndPort(target.address, port)}`);
}

function failureOfConnect(failure: NodeJS.ErrnoException | undefined, host: string, where: string): string {
  const code = failure?.code ?? 'closed';
  if (code === 'ENOTFOUND') return `there is no address for the name ${escaped(host)} (ENOTFOUND)`;
  if (code === 'EAI_AGAIN') return `the name ${escaped(host)} can't be looked up now (EAI_AGAIN)`;
  if (code === 'ECONNREFUSED') return `nothing listens at ${where} (ECONNREFUSED)`;
  return `no TCP connection to ${where} (${code})`;
}

async function startTls(tap: Tap, { starttls, servername, host, timeout }: Target, story: Story): Promise<void> {
  const talk = new Talk(tap, story);
  let failure: Error | undefined;
  const work = starttls!.start(talk, servername || host).catch((error: Error) => (failure = error));
  if (!(await within(timeout, work))) failure = new Error(`the server did not get to TLS within ${timeout} ms`);
  try {
    if (failure === undefined) talk.end();
  } catch (error) {
    failure = error as Error;
  }
  if (failure !== undefined) throw new DialError('starttls', failure.message);
}

async function handshake(tap: Tap, target: Target, version: Version, story: Story): Promise<TLSSocket> {
  const { servername, host, alpn, ca, cert, key, rejectUnauthorized, timeout } = target;
  tap.followRecords();
  const identity = { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
  const options = { servername, host, rejectUnauthorized, minVersion: version, maxVersion: version, ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }) };
  const socket = watch(tls.connect({ ...options, ...identity, socket: tap }));
  let failure: NodeJS.ErrnoException | undefined;
  socket.on('error', (error) => (failure ??= error));
  const isDone = new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => {
      tap.holdsFin = true;
      resolve(true);
    });
    socket.once('error', () => resolve(false)).once('close', () => resolve(false));
  });
  const inTime = await within(timeout, isDone);
  if (inTime && (await isDone)) {
    const { name } = socket.getCipher();
    story.add('both', `${socket.getProtocol()}, ${name}${socket.alpnProtocol ? `, ${escaped(socket.alpnProtocol)}` : ''}`);
    return socket;
  }
  socket.destroy();
  throw inTime ? whyNot(failure, tap, target) : new DialError('handshake', `the TLS handshake was not finished within ${timeout} ms`);
}

/** The types of TLS records. */
const RECORD_TYPES = [20, 21, 22, 23, 24];

function whyNot(failure: NodeJS.ErrnoException | undefined, { first, finCame, failure: ofTcp }: Tap, { starttls }: Target): DialError {
  if (first.length > 0 && !RECORD_TYPES.includes(first[0]!)) {
    const where = starttls === undefined ? 'the server does not speak TLS here' : 'plaintext came in place of TLS';
    return new DialError('handshake', `${where}, it says "${escaped(first)}"`);
  }
  const alert = failure === undefined ? undefined : alertNumber(failure);
  if (alert !== undefined) return new DialError('refused', `the server refused the handshake by the alert ${alertName(alert)}`, failure?.code);
  if (ofTcp !== undefined) return new DialError('refused', `the server reset the connection in the handshake (${ofTcp.code})`, ofTcp.code);
  if (isAboutCertificate(failure)) return new DialError('certificate', `the certificate is not trusted: ${escaped(failure!.message, 200)} (${failure!.code})`, failure!.code);
  if (failure?.code?.startsWith('ERR_SSL_') === true) return new DialError('refused', `the handshake failed: ${escaped(reasonOf(failure), 120)} (${failure.code})`, failure.code);
  if (finCame) return new DialError('refused', 'the server closed the connection in the handshake');
  return new DialError('handshake', `the handshake failed: ${escaped(failure?.message ?? 'the connection was closed', 200)}`, failure?.code);
}

/** OpenSSL's reason in words, out of its line of fields. */
function reasonOf(error: Error): string {
  return (error as Error & { reason?: string }).reason ?? error.message.split(':')[5] ?? error.message;
}

/** OpenSSL's names for what is wrong with a certificate have no prefix; Node's own do. */
function isAboutCertificate(error: NodeJS.ErrnoException | undefined): boolean {
  const { code } = error ?? {};
  return code !== undefined && (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || /CERT|SIGNATURE|CRL|^(HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/.test(code)) && !code.startsWith('ERR_SSL_');
}
