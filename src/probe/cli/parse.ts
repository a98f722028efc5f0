/** From the command line to options. What is wrong is a `UsageError` that names it. */
import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { MAX_TIMEOUT } from '../../arguments.js';
import { escaped, unescaped } from '../escape.js';
import { KINDS } from '../serve/kinds.js';
import { PROTOCOLS } from '../starttls.js';
import type { CloseKind, ProbeOptions, ServeOptions } from '../types.js';
import { didYouMean } from './nearest.js';
import { UsageError } from './usage.js';

type Known = NonNullable<ParseArgsConfig['options']>;

const COMMON = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' }, 'no-color': { type: 'boolean' } } as const satisfies Known;
const IDENTITY = { cert: { type: 'string' }, key: { type: 'string' }, idle: { type: 'string' } } as const satisfies Known;

const PROBE = {
  ...COMMON,
  ...IDENTITY,
  tls: { type: 'string' },
  alpn: { type: 'string' },
  servername: { type: 'string' },
  ca: { type: 'string' },
  insecure: { type: 'boolean' },
  starttls: { type: 'string' },
  send: { type: 'string' },
  timeout: { type: 'string' },
} as const satisfies Known;

const SERVE = { ...COMMON, ...IDENTITY, close: { type: 'string' }, port: { type: 'string' }, host: { type: 'string' }, delay: { type: 'string' } } as const satisfies Known;

export interface Parsed<Options> {
  readonly options: Options;
  readonly json: boolean;
  readonly color: boolean;
}

/** `undefined` if only help or the version is wanted, which `wanted` says. */
export type Command<Options> = { readonly wanted: 'help' | 'version' } | ({ readonly wanted: 'run' } & Parsed<Options>);

type Values = Readonly<Record<string, string | boolean | undefined>>;

function read(args: readonly string[], known: Known): { readonly values: Values; readonly positionals: readonly string[] } {
  const { values, positionals, tokens } = parseArgs({ args: [...args], options: known, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = known[name];
    if (option === undefined) throw new UsageError(`there is no option ${rawName}${didYouMean(name, Object.keys(known), '--')}`);
    if (option.type === 'boolean' && value !== undefined) throw new UsageError(`${rawName} takes no value`);
    if (option.type === 'string' && (value === undefined || value === '' || (inlineValue === false && value.startsWith('-')))) throw new UsageError(`${rawName} needs a value`);
  }
  return { values: values as Values, positionals };
}

function text(values: Values, name: string): string | undefined {
  return values[name] as string | undefined;
}

/** A number of `unit` as milliseconds. */
function milliseconds(values: Values, name: string, unit: 1 | 1000, least = 1): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) * unit : NaN;
  if (number >= least && number <= MAX_TIMEOUT) return number;
  throw new UsageError(`--${name} must be a number of ${unit === 1 ? 'milliseconds' : 'seconds'}, from ${least / unit} to ${Math.floor(MAX_TIMEOUT / unit)}. It is '${escaped(value)}'`);
}

function portNumber(value: string, where: string, least: number): number {
  const port = /^\d+$/.test(value) ? Number(value) : NaN;
  if (port >= least && port <= 65_535) return port;
  throw new UsageError(`the port in ${where} must be from ${least} to 65535. It is '${escaped(value)}'`);
}

function file(values: Values, name: string): Buffer | undefined {
  const path = text(values, name);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${name}: can't read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
}

function oneOf<T extends string>(values: Values, name: string, all: readonly T[]): T | undefined {
  const value = text(values, name);
  if (value === undefined || all.includes(value as T)) return value as T | undefined;
  throw new UsageError(`--${name} must be one of ${all.join(', ')}. It is '${escaped(value)}'${didYouMean(value, all)}`);
}

function certAndKey(values: Values): { cert?: Buffer; key?: Buffer } {
  const cert = file(values, 'cert');
  const key = file(values, 'key');
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return {};
  throw new UsageError('--cert and --key go together');
}

/** `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT`, or an IPv6 address. */
export function hostAndPort(place: string): { host: string; port?: number } {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(place) ?? [];
  if (scheme !== undefined) throw new UsageError(`'${escaped(place)}' is a URL, and HOST[:PORT] is wanted: try ${escaped(rest) || 'example.com'}`);
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(place);
  const isAddress = (place.match(/:/g) ?? []).length > 1;
  const [, host = '', port] = bracketed ?? (isAddress ? ['', place] : (/^([^:]*)(?::(.*))?$/.exec(place) ?? []));
  if (host === '' || /[\s/@\[\]]/.test(host)) throw new UsageError(`'${escaped(place)}' is no HOST[:PORT]`);
  return port === undefined ? { host } : { host, port: portNumber(port, escaped(place), 1) };
}

const TLS = { '1.2': ['TLSv1.2'], '1.3': ['TLSv1.3'], both: ['TLSv1.2', 'TLSv1.3'] } as const;

function special(values: Values): 'help' | 'version' | undefined {
  return values['help'] === true ? 'help' : values['version'] === true ? 'version' : undefined;
}

export function parseProbe(args: readonly string[]): Command<ProbeOptions> {
  const { values, positionals } = read(args, PROBE);
  const wanted = special(values);
  if (wanted !== undefined) return { wanted };
  const [place, ...more] = positionals;
  if (place === undefined) throw new UsageError('no HOST is given');
  if (more.length > 0) throw new UsageError(`one HOST at a time. There is '${escaped(more[0]!)}', too`);
  const send = text(values, 'send');
  const bytes = send === undefined ? undefined : unescaped(send);
  if (send !== undefined && bytes === undefined) throw new UsageError(`--send knows the escapes \\r \\n \\t \\0 \\\\ and \\xHH. It is '${escaped(send)}'`);
  const entries = {
    ...hostAndPort(place),
    ...certAndKey(values),
    servername: text(values, 'servername'),
    alpn: text(values, 'alpn')?.split(',').map((each) => each.trim()).filter((each) => each !== ''),
    ca: file(values, 'ca'),
    rejectUnauthorized: values['insecure'] === true ? false : undefined,
    starttls: oneOf(values, 'starttls', Object.keys(PROTOCOLS)),
    send: bytes,
    versions: [...TLS[oneOf(values, 'tls', Object.keys(TLS) as (keyof typeof TLS)[]) ?? 'both']],
    idle: milliseconds(values, 'idle', 1000),
    timeout: milliseconds(values, 'timeout', 1),
  };
  return { wanted: 'run', options: given(entries) as unknown as ProbeOptions, ...appearance(values) };
}

export function parseServe(args: readonly string[]): Command<ServeOptions> {
  const { values, positionals } = read(args, SERVE);
  const wanted = special(values);
  if (wanted !== undefined) return { wanted };
  if (positionals.length > 0) throw new UsageError(`serve takes options only. There is '${escaped(positionals[0]!)}'`);
  const port = text(values, 'port');
  const entries = {
    ...certAndKey(values),
    close: oneOf(values, 'close', Object.keys(KINDS) as CloseKind[]),
    port: port === undefined ? undefined : portNumber(port, '--port', 0),
    host: text(values, 'host'),
    idle: milliseconds(values, 'idle', 1000),
    delay: milliseconds(values, 'delay', 1, 0),
  };
  return { wanted: 'run', options: given(entries), ...appearance(values) };
}

function appearance(values: Values): { json: boolean; color: boolean } {
  return { json: values['json'] === true, color: values['no-color'] !== true };
}

function given<T extends object>(entries: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
