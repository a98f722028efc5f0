/** docs/api.md is the code: every export with its signature, every option with its default, every field, every code, every error of the caller. */
import { EventEmitter } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { MAX_TIMEOUT, completeDrainOptions, shutdownOptions } from '../../src/arguments.js';
import { TlsShutdownError, type ShutdownErrorCode } from '../../src/errors.js';
import * as library from '../../src/index.js';
import { section, tableOf, text } from '../support/pages.js';

const API = 'docs/api.md';
const types = text('src/types.ts');

/** The first column. */
const names = (firstHeading: string): (string | undefined)[] => tableOf(API, firstHeading).map(([name]) => name);
const defaults = (firstHeading: string): Record<string, string | undefined> => Object.fromEntries(tableOf(API, firstHeading).map((cells) => [cells[0], cells.at(-1)]));

/** The body of an interface or a class. */
function body(source: string, name: string): string {
  const [, found] = new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{([^]*?)\\n\\}`).exec(source) ?? [];
  expect(found, name).to.be.a('string');
  return found!;
}

const fields = (source: string, name: string): string[] => [...body(source, name).matchAll(/^ {2}(?:readonly )?(\w+|\[[\w.]+\])\??[:(]/gm)].map(([, field = '']) => field).filter((field) => field !== 'constructor');

/** What the comments of an interface say behind "Default". */
function documented(source: string, name: string): Record<string, string> {
  return Object.fromEntries([...body(source, name).matchAll(/Default ([^.:]+)[.:][^]*?\n {2}(\w+)\?[:(]/g)].map(([, value = '', option]) => [option, value.replaceAll('`', '')]));
}

const members = (type: string): string[] => [...new RegExp(`type ${type} =([^;]*);`).exec(types)![1]!.matchAll(/'\w+'/g)].map(([member]) => member);

describe('docs/api.md: exports', () => {
  const index = text('src/index.ts');
  const sources = Object.fromEntries([...index.matchAll(/export (?:type )?\{ ([^}]*) \} from '\.\/([^']+)\.js'/g)].flatMap(([, all = '', path]) => all.split(', ').map((name) => [name.replace('type ', ''), `src/${path}.ts`])));

  it('has a heading for each function, and for nothing else', () => {
    const headings = [...text(API).matchAll(/^### ([a-z]\w+)$/gm)].map(([, heading]) => heading);
    const functions = Object.entries(library).filter(([, value]) => typeof value === 'function' && value !== TlsShutdownError).map(([name]) => name);
    expect(headings.sort()).to.deep.equal(functions.sort());
  });

  for (const name of Object.keys(library).filter((each) => each !== 'TlsShutdownError')) {
    it(`has the signature of the code: ${name}`, () => {
      const [, parameters = '', result] = new RegExp(`export (?:async )?function ${name}(<[^>]*>\\(.*\\)|\\(.*\\)): (.*) \\{$`, 'm').exec(text(sources[name]!)) ?? [];
      const signature = `${name}${parameters.replace(/: (\w+) = \{\}/g, '?: $1')}: ${result}`;
      expect(section(API, name)).to.include(`\n\`${signature}\`\n`);
    });
  }

  it('names each entry besides the main one', async () => {
    const { ENTRIES } = (await import(new URL('../../../scripts/entries.mjs', import.meta.url).href)) as { ENTRIES: { name: string; program?: boolean }[] };
    for (const { name, program } of ENTRIES.slice(1)) expect(text(API)).to.include(program ? 'npx tls-graceful-shutdown' : `tls-graceful-shutdown/${name}`);
  });

  it('names each type', () => {
    const list = section(API, 'Types');
    for (const name of Object.keys(sources)) if (/^[A-Z]/.test(name)) expect(list).to.include(`\`${name}\``);
    expect(library).to.have.property('TlsShutdownError');
  });
});

describe('docs/api.md: options', () => {
  it('gives each option of a shutdown the default of the code and of its documentation', () => {
    const { signal, ...inCode } = shutdownOptions({});
    expect(defaults('option')).to.deep.equal({ ...Object.fromEntries(Object.entries(inCode).map(([name, value]) => [name, inspect(value)])), signal: signal ?? 'none' });
    expect(defaults('option')).to.deep.equal(documented(types, 'ShutdownOptions'));
    expect(text(API)).to.include(`to ${MAX_TIMEOUT}, or`);
  });

  it('gives each option of unwrap the default that it has in shutdown', () => {
    const [, picked = ''] = /UnwrapOptions = Pick<ShutdownOptions, (.*)>;/.exec(text('src/wrap/unwrap.ts')) ?? [];
    const expected = picked.replaceAll("'", '').split(' | ').map((name) => [name, defaults('option')[name]]);
    expect(defaults('option of `unwrap`')).to.deep.equal(Object.fromEntries(expected));
  });

  it('gives each drain option the default of the code and of its documentation', () => {
    expect(defaults('drain option')).to.deep.equal(documented(types, 'DrainOptions'));
    const { grace, timeout, idleGrace, quiet } = completeDrainOptions({});
    for (const [name, value] of Object.entries({ grace, timeout, idleGrace, quiet })) expect(defaults('drain option')[name]).to.match(new RegExp(`^${value}\\b`));
  });

  it('has each option of drainOnSignal', () => {
    expect(names('option of `drainOnSignal`')).to.deep.equal(fields(text('src/drain/signals.ts'), 'DrainOnSignalOptions'));
    expect(defaults('option of `drainOnSignal`')).to.include(documented(text('src/drain/signals.ts'), 'DrainOnSignalOptions'));
  });
});

describe('docs/api.md: results', () => {
  for (const [heading, source, name] of [
    ['field of ShutdownResult', 'src/types.ts', 'ShutdownResult'],
    ['field of TlsShutdownError', 'src/errors.ts', 'TlsShutdownError'],
    ['member of DrainableServer', 'src/drain/drainable.ts', 'DrainableServer'],
  ] as const) {
    it(`has each ${heading}`, () => expect(names(heading)).to.deep.equal(fields(text(source), name)));
  }

  it('has each field of DrainReport and of DrainProgress', () => {
    const progress = fields(types, 'DrainProgress');
    expect(names('field of DrainReport')).to.deep.equal([...progress.filter((field) => field !== 'remaining'), ...fields(types, 'DrainReport')]);
    const [, listed = ''] = /`DrainProgress`, which `onProgress` gets, has (.*)\./.exec(text(API)) ?? [];
    expect([...listed.matchAll(/`(\w+)`/g)].map(([, field]) => field)).to.deep.equal(progress);
  });

  it('has each state of both halves, and the three values', () => {
    expect(names('`sent`: our half')).to.deep.equal(members('SentState'));
    expect(names('`received`: the peer\'s half')).to.deep.equal(members('ReceivedState'));
    expect(names('value')).to.deep.equal(['1', '0', '-1']);
  });

  it('names the channel and what comes on it', () => {
    const [, channel = ''] = /channel\('([^']+)'\)/.exec(text('src/shutdown/call.ts')) ?? [];
    expect(text(API)).to.include(channel);
    expect(tableOf('docs/monitoring.md', 'field').map(([field]) => field)).to.deep.equal([...fields(text('src/shutdown/call.ts'), 'ShutdownMessage'), ...fields(types, 'ShutdownResult')]);
    expect(text('docs/monitoring.md')).to.include(channel);
  });
});

/** Exhaustive: the compiler says so. */
const CODES: Record<ShutdownErrorCode, true> = {
  ERR_TLS_SHUTDOWN_TIMEOUT: true,
  ERR_TLS_SHUTDOWN_TRUNCATED: true,
  ERR_TLS_SHUTDOWN_UNVERIFIED: true,
  ERR_TLS_SHUTDOWN_NOT_SENT: true,
  ERR_TLS_SHUTDOWN_IN_HANDSHAKE: true,
  ERR_TLS_SHUTDOWN_PROTOCOL: true,
  ERR_TLS_SHUTDOWN_TRANSPORT: true,
  ERR_TLS_SHUTDOWN_CLOSED: true,
  ERR_TLS_SHUTDOWN_FINISH: true,
};

describe('docs/api.md: errors', () => {
  /** What the error says of itself. */
  function described(code: ShutdownErrorCode, sent: 'queued' | 'close_notify'): string[] {
    const { message, sslError } = new TlsShutdownError(code, { sent, received: 'open' }, 0);
    const again = message.includes('call again');
    const socket = again ? 'as it was' : message.includes('destroy the socket') ? 'destroy it' : /the socket (is|was) destroyed/.test(message) ? 'is destroyed' : message;
    return [code, sslError, socket, again ? 'yes' : 'no'];
  }

  it('gives each code its sslError, what became of the socket, and whether to call again', () => {
    const said = tableOf(API, '`code` of a -1').map(([code, , sslError, socket, again = '']) => [code, sslError, socket, again.split(',')[0]]);
    const codes = Object.keys(CODES) as ShutdownErrorCode[];
    expect(said).to.deep.equal([described('ERR_TLS_SHUTDOWN_TIMEOUT', 'queued'), ...codes.map((code) => described(code, 'close_notify'))]);
  });

  const socket = (): tls.TLSSocket => new tls.TLSSocket(new net.Socket());
  const connected = (): net.Server => Object.assign(net.createServer(), { _connections: 1 });
  const mistakes: (() => unknown)[] = [
    () => library.gracefulShutdown(new EventEmitter() as tls.TLSSocket),
    () => library.shutdown(socket(), { quiet: 1 as unknown as boolean }),
    () => library.shutdown(socket(), { unread: 'drop' as 'keep' }),
    () => library.drainOnSignal([], { signals: ['SIGKILL'] }),
    () => library.unwrap(socket()),
    () => library.drainable(connected()),
    () => library.drainSockets([], { timeout: -1 }),
    () => library.drainSockets([], { grace: 5, idleGrace: 5 }),
    () => library.shutdown(socket(), { signal: AbortSignal.abort(new Error('why')) }),
  ];
  for (const [i, [mistake, name, code = '']] of tableOf(API, 'mistake').entries()) {
    it(`says what comes of a mistake: ${mistake}`, async () => {
      const error = await Promise.resolve().then(mistakes[i]).then(() => expect.fail('nothing was thrown'), (thrown: NodeJS.ErrnoException) => thrown);
      expect([error.name, error.code]).to.deep.equal([name, code.split(',')[0]]);
      if (code.includes('cause')) expect(error.cause).to.be.instanceOf(Error);
    });
  }
});
