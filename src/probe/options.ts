/** Checks what callers of `probe` pass, and fills in the defaults. The errors name the option and the value, and have Node's own codes. */
import { createSecureContext } from 'node:tls';
import { argumentError, DEFAULT_TIMEOUT, MAX_TIMEOUT } from '../arguments.js';
import { PROTOCOLS, protocolOf } from './starttls.js';
import { servernameFor, type Target, type Version } from './target.js';
import type { ProbeOptions, Question } from './types.js';

export const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];
export const QUESTIONS: readonly Question[] = ['we-close', 'half-close', 'it-closes', 'quiet', 'idle'];
const DEFAULT_PORT = 443;

function checkText(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw argumentError(name, 'a string', value);
}

function checkPem(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string' && !Buffer.isBuffer(value)) throw argumentError(name, 'a string or a Buffer, in PEM', value);
}

function outOfRange(name: string, mustBe: string, value: unknown): RangeError {
  return Object.assign(new RangeError(`${name} must be ${mustBe}. Received ${String(value)}`), { code: 'ERR_OUT_OF_RANGE' });
}

export function checkMilliseconds(name: string, value: unknown, least = 1): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw argumentError(name, 'a number of milliseconds', value);
  if (!(value >= least && value <= MAX_TIMEOUT)) throw outOfRange(name, `from ${least} to ${MAX_TIMEOUT} milliseconds`, value);
}

export function checkPort(name: string, value: unknown, least = 1): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw argumentError(name, 'a number', value);
  if (!Number.isInteger(value) || value < least || value > 65_535) throw outOfRange(name, `a port from ${least} to 65535`, value);
}

/** Some of `all`, each once. */
function checkSome<T>(name: string, value: readonly T[] | undefined, all: readonly T[]): void {
  if (value === undefined) return;
  const isRight = Array.isArray(value) && value.length > 0 && value.every((each) => all.includes(each)) && new Set(value).size === value.length;
  if (!isRight) throw argumentError(name, `some of ${all.join(', ')}, each once`, value, Array.isArray(value) ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE');
}

function checkSignal(name: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) throw argumentError(name, 'an AbortSignal', value);
}

/** What is no PEM, and a key that is not of the certificate, are found now, not at each handshake. */
export function checkIdentity(ca: ProbeOptions['ca'], cert: ProbeOptions['cert'], key: ProbeOptions['key']): void {
  checkPem('options.ca', ca);
  checkPem('options.cert', cert);
  checkPem('options.key', key);
  if ((cert === undefined) !== (key === undefined)) throw argumentError('options.cert and options.key', 'given both or neither', cert ?? key, 'ERR_INVALID_ARG_VALUE');
  if (ca !== undefined && !/-----BEGIN [\w ]*CERTIFICATE-----/.test(ca.toString())) throw argumentError('options.ca', 'certificates in PEM', ca, 'ERR_INVALID_ARG_VALUE');
  try {
    createSecureContext({ ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) });
  } catch (error) {
    const what = ca === undefined ? 'options.cert and options.key' : cert === undefined ? 'options.ca' : 'options.ca, options.cert and options.key';
    throw Object.assign(argumentError(what, `usable PEM (${(error as Error).message})`, cert ?? ca, 'ERR_INVALID_ARG_VALUE'), { cause: error });
  }
}

export function probeTarget(options: unknown): Target {
  if (typeof options !== 'object' || options === null) throw argumentError('options', 'an object', options);
  const { host, port, servername, alpn, ca, cert, key, rejectUnauthorized, starttls, send, versions, questions, idle, timeout, signal } = options as ProbeOptions;
  if (typeof host !== 'string' || host === '') throw argumentError('options.host', 'the name or the address of a server', host);
  checkPort('options.port', port);
  checkText('options.servername', servername);
  if (alpn !== undefined && !(Array.isArray(alpn) && alpn.length > 0 && alpn.every((each) => typeof each === 'string' && each.length > 0 && each.length < 256))) throw argumentError('options.alpn', 'an array of names of protocols', alpn);
  checkIdentity(ca, cert, key);
  if (rejectUnauthorized !== undefined && typeof rejectUnauthorized !== 'boolean') throw argumentError('options.rejectUnauthorized', 'a boolean', rejectUnauthorized);
  checkText('options.starttls', starttls);
  if (starttls !== undefined && !Object.hasOwn(PROTOCOLS, starttls)) throw argumentError('options.starttls', `one of ${Object.keys(PROTOCOLS).join(', ')}`, starttls, 'ERR_INVALID_ARG_VALUE');
  checkText('options.send', send);
  checkSome('options.versions', versions, VERSIONS);
  checkSome('options.questions', questions, QUESTIONS);
  checkMilliseconds('options.idle', idle);
  checkMilliseconds('options.timeout', timeout);
  checkSignal('options.signal', signal);
  if (questions?.includes('idle') === true && idle === undefined) throw argumentError('options.idle', "given for the question 'idle'", idle, 'ERR_INVALID_ARG_VALUE');

  const begin = starttls === undefined ? undefined : PROTOCOLS[starttls];
  const at = port ?? begin?.port ?? DEFAULT_PORT;
  return {
    host,
    port: at,
    servername: servername ?? servernameFor(host),
    alpn: alpn ?? [],
    ca,
    cert,
    key,
    rejectUnauthorized: rejectUnauthorized ?? true,
    starttls: begin,
    protocol: protocolOf(starttls, at),
    send,
    versions: versions ?? VERSIONS,
    questions: questions ?? QUESTIONS.filter((question) => question !== 'idle' || idle !== undefined),
    idle: idle ?? 0,
    timeout: timeout ?? DEFAULT_TIMEOUT,
    signal,
    open: new Set(),
  };
}
