/** The README is run: its code compiles and prints what it says, and its tables are those of the code. The other pages are compared with the code, too. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { expect } from 'chai';
import { MAX_TIMEOUT, shutdownOptions } from '../src/arguments.js';
import { TlsShutdownError, type ShutdownErrorCode } from '../src/errors.js';
import { unwrap, wrap } from '../src/index.js';
import { OURS, PEERS, seen } from '../src/closure/closure.js';

const run = promisify(execFile);
const output = new URL('..', import.meta.url); // the compiler's: build/
const file = (path: string) => fileURLToPath(new URL(`../${path}`, output));
const text = (path: string) => readFileSync(file(path), 'utf8');

interface Block {
  readonly name: string;
  readonly language: string;
  readonly runs: boolean;
  readonly code: string;
}

const readme = text('README.md');
const blocks: Block[] = [...readme.matchAll(/^```(\w+)( no-run)?\n([^]*?)^```$/gm)].map(([, language = '', noRun, code = ''], index) => ({
  name: `block${index + 1}`,
  language,
  runs: noRun === undefined,
  code,
}));
const programs = blocks.filter(({ language }) => language === 'ts' || language === 'js');

/** The rows of the table under that heading cell, each as its cells; Markdown's backticks and emphasis are taken off. */
function tableOf(firstHeading: string): string[][] {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHeading} |`));
  expect(start, `a table that starts with ${firstHeading}`).to.be.greaterThan(-1);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(line.slice(1, -1).split(' | ').map((cell) => cell.replace(/[`*|]/g, '').trim()));
  }
  return rows;
}

describe('README code', () => {
  let folder: string;

  before(async function () {
    this.timeout(60_000);
    folder = mkdtempSync(join(fileURLToPath(output), 'readme-')); // inside the package, so that it can import itself
    mkdirSync(join(folder, 'src'));
    for (const { name, language, code } of programs) writeFileSync(join(folder, 'src', `${name}.${language}`), code);
    const compilerOptions = { rootDir: 'src', outDir: 'out', types: ['node'], allowJs: true, checkJs: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: file('tsconfig.json'), compilerOptions, include: ['src'] }));
    copyFileSync(file('fixtures/localhost.cert.pem'), join(folder, 'server.cert'));
    writeFileSync(join(folder, 'redirect.mjs'), REDIRECT);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles with the strict options', async function () {
    this.timeout(60_000);
    expect(programs).to.have.length.greaterThan(4);
    const failure = await run(process.execPath, [file('node_modules/typescript/bin/tsc'), '-p', folder]).catch((error: { stdout: string }) => error.stdout);
    expect(failure).not.to.be.a('string', String(failure));
  });

  for (const { name, runs, code } of programs.filter((program) => program.runs)) {
    const printed = [...code.matchAll(/\/\/ prints: (.*)$/gm)].map(([, line]) => line);

    it(`prints what it says: ${name}`, async function () {
      this.timeout(20_000);
      expect(runs && printed.length > 0, 'a block that runs says what it prints').to.equal(true);
      const servers = await Promise.all([serve(), servePlain()]);
      try {
        const [PORT, PLAIN_PORT] = servers.map((server) => String((server.address() as AddressInfo).port));
        const program = [join('out', `${name}.js`)];
        const env = { ...process.env, PORT, PLAIN_PORT };
        const { stdout } = await run(process.execPath, ['--import', './redirect.mjs', ...program], { cwd: folder, env, timeout: 15_000 });
        expect(stdout.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '')).to.deep.equal(printed);
      } finally {
        for (const server of servers) await promisify(server.close.bind(server))();
      }
    });
  }
});

/** To the README's code every host is the servers below. */
const REDIRECT = `
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';
const plainConnect = net.connect;
net.connect = () => plainConnect(Number(process.env.PLAIN_PORT), '127.0.0.1');
const connect = tls.connect;
tls.connect = (...given) => {
  const options = given.find((one) => typeof one === 'object');
  return connect({ ...options, host: '127.0.0.1', port: Number(process.env.PORT), servername: 'localhost', ca: readFileSync('server.cert') });
};
syncBuiltinESMExports();
`;

/** Answers HTTP with a body that has no length, and everything else with nothing but an end for an end. */
async function serve(): Promise<tls.Server> {
  const identity = { key: text('fixtures/localhost.key.pem'), cert: text('fixtures/localhost.cert.pem') };
  const server = tls.createServer(identity, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (chunk.toString().startsWith('GET ')) setImmediate(() => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** An FTPS server with three commands: AUTH TLS and QUIT in plaintext, CCC through TLS. */
async function servePlain(): Promise<net.Server> {
  const identity = { key: text('fixtures/localhost.key.pem'), cert: text('fixtures/localhost.cert.pem') };
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', async () => {
      socket.write('234 go ahead\r\n');
      const secure = wrap(socket, { isServer: true, ...identity });
      await once(secure, 'data');
      secure.write('200 in plaintext\r\n');
      const plain = await unwrap(secure);
      await once(plain, 'data');
      plain.end('221 bye\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('README tables', () => {
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

  /** What the error says of itself. */
  function described(code: ShutdownErrorCode, sent: 'queued' | 'close_notify'): string[] {
    const { message, sslError } = new TlsShutdownError(code, { sent, received: 'open' }, 0);
    const again = message.includes('call again');
    const socket = again ? 'as it was' : message.includes('destroy the socket') ? 'destroy it' : /the socket (is|was) destroyed/.test(message) ? 'is destroyed' : message;
    return [code, sslError, socket, again ? 'yes' : 'no'];
  }

  it('give each code its sslError, what became of the socket, and whether to call again', () => {
    const said = tableOf('`code`').map(([code, , sslError, socket, again = '']) => [code, sslError, socket, again.split(',')[0]]);
    const codes = Object.keys(CODES) as ShutdownErrorCode[];
    expect(said).to.deep.equal([described('ERR_TLS_SHUTDOWN_TIMEOUT', 'queued'), ...codes.map((code) => described(code, 'close_notify'))]);
  });

  it('give each option the default of the code and of its documentation', () => {
    const said = Object.fromEntries(tableOf('option').map((cells) => [cells[0], cells.at(-1)]));
    const { signal, ...inCode } = shutdownOptions({});
    expect(said).to.deep.equal({ ...Object.fromEntries(Object.entries(inCode).map(([name, value]) => [name, inspect(value)])), signal: signal ?? 'none' });
    const [, documented = ''] = /interface ShutdownOptions \{([^]*?)\n\}/.exec(text('src/types.ts')) ?? [];
    const inDocs = [...documented.matchAll(/Default ([^.]+)\.[^]*?\n {2}(\w+)\?:/g)].map(([, value = '', name]) => [name, value.replaceAll('`', '')]);
    expect(said).to.deep.equal(Object.fromEntries(inDocs));
    expect(readme).to.include(`to ${MAX_TIMEOUT}, or`);
  });

  it('give each option of unwrap the default that it has in shutdown', () => {
    const defaults = Object.fromEntries(tableOf('option').map((cells) => [cells[0], cells.at(-1)]));
    const [, picked = ''] = /UnwrapOptions = Pick<ShutdownOptions, (.*)>;/.exec(text('src/wrap/unwrap.ts')) ?? [];
    const said = tableOf('option of `unwrap`').map((cells) => [cells[0], cells.at(-1)]);
    expect(said).to.deep.equal(picked.replaceAll("'", '').split(' | ').map((name) => [name, defaults[name]]));
  });

  it('give each drain option the default of its documentation', () => {
    const said = Object.fromEntries(tableOf('drain option').map((cells) => [cells[0], cells.at(-1)]));
    const [, documented = ''] = /interface DrainOptions \{([^]*?)\n\}/.exec(text('src/types.ts')) ?? [];
    const inDocs = [...documented.matchAll(/Default ([^.:]+)[.:][^]*?\n {2}(\w+)\?[:(]/g)].map(([, value = '', name]) => [name, value.replaceAll('`', '')]);
    expect(said).to.deep.equal(Object.fromEntries(inDocs));
    expect(tableOf('outcome').map(([outcome]) => outcome)).to.deep.equal(['complete', 'oneWay', 'failed', 'forced']);
  });

  it('say the three values in the first screen, and the two commands', () => {
    expect(tableOf('value').map(([value]) => value)).to.deep.equal(['1', '0', '-1']);
    for (const command of ['npm ci && npm run demo', 'npm ci && npm test']) expect(readme.split('\n')).to.include(command);
  });
});

describe('docs/how-it-works.md', () => {
  const how = text('docs/how-it-works.md');

  it('draws the state machine as it is', () => {
    const [, diagram = ''] = /```text\n([^]*?)```/.exec(how) ?? [];
    const drawn: Record<string, Record<string, Record<string, string>>> = {};
    let half = '';
    for (const line of diagram.split('\n')) {
      const [, heading] = /^(\w+)$/.exec(line) ?? [];
      const [, from = '', event = '', to = ''] = /^ {2}(\w+) ─+ (\w+) ─+▶ (\w+)/.exec(line) ?? [];
      if (heading !== undefined) drawn[(half = heading)] = {};
      else if (line !== '') (drawn[half]![from] ??= {})[event] = to;
    }
    const transitions = (table: object) => Object.fromEntries(Object.entries(table).filter(([, events]) => Object.keys(events as object).length > 0));
    expect(drawn).to.deep.equal({ ours: transitions(OURS), peer: transitions(PEERS) });
  });

  it('says which states callers see under another name', () => {
    const rows = [...how.matchAll(/^\| (ours|peer|) *\| `'(\w+)'` \| (.*) \|$/gm)];
    let half = '';
    const said = rows.flatMap(([, first = '', name, states = '']) => {
      half = first || half;
      return [...states.matchAll(/\w+/g)].map(([state]) => `${half} ${state} ${name}`);
    });
    const ours = Object.keys(OURS) as (keyof typeof OURS)[];
    const peers = Object.keys(PEERS) as (keyof typeof PEERS)[];
    const inCode = [...ours.map((state) => `ours ${state} ${seen(state, 'open').sent}`), ...peers.map((state) => `peer ${state} ${seen('open', state).received}`)];
    const isPlain = (line: string): boolean => line.split(' ')[1] === line.split(' ')[2];
    expect(said.filter((line) => !isPlain(line)).sort()).to.deep.equal(inCode.filter((line) => !isPlain(line)).sort());
    expect(inCode).to.include.members(said);
  });

  it('names tests and sources that are there', () => {
    const names = [...how.matchAll(/`((?:src|test)\/[\w/.-]+\.ts)`/g)].map(([, name = '']) => name);
    expect(names.length).to.be.greaterThan(5);
    for (const name of names) expect(text(name)).to.not.equal('');
  });
});

describe('links in the documentation', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md', ...readdirSync(file('docs')).map((name) => `docs/${name}`)];
  /** As GitHub makes it of a heading. */
  const anchor = (heading: string): string => heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-');

  for (const page of pages) {
    it(`lead to files and headings that are there: ${page}`, () => {
      for (const [, path = '', heading] of text(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
        const target = path === '' ? page : join(dirname(page), path);
        expect(existsSync(file(target)), `${page}: ${path}`).to.equal(true);
        if (heading === undefined) continue;
        const headings = [...text(target).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchor(title));
        expect(headings, `${page}: ${path}#${heading}`).to.include(heading);
      }
    });
  }
});
