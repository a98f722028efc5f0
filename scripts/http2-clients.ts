/**
 * What HTTP/2 clients make of a drain: `node build/scripts/http2-clients.js [drains]`. Under constant load of one client after the other, through a relay with
 * 5 ms each way, server after server is drained with the defaults, while the next one takes the new connections.
 *
 * A request that reached an application and has no whole answer is lost, and there must be none. Neither may the server leave a stream that it has
 * taken without an end. A request that crosses the GOAWAY is refused, and no server acts on it: which ones each client sends again by itself is what
 * the table shows. The relay has a copy of all that passes, and the server's key log: so refusals that a client keeps to itself are counted, too.
 *
 * CLIENTS in the environment: their names, with semicolons between.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { drainable, type DrainReport } from '../src/index.js';
import { Relay } from './http2-clients/relay.js';
import { makeServer, type Reached } from './http2-clients/server.js';
import { load, type Told } from './http2-clients/shared.js';
import { KeyLog } from './http2-clients/tls-records.js';
import { describe } from './reports.js';

const isOld = Number.parseInt(process.versions.node) < 22;
const DRAINS = Number(process.argv[2] ?? 20);
const root = new URL('../../', import.meta.url);
const compiled = (name: string): string => fileURLToPath(new URL(`./http2-clients/client-${name}.js`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'http2-clients-'));

interface Client {
  readonly command: readonly [string, ...string[]];
  /** Gives its version, or throws. */
  version(): string;
  /** It fails itself what is in work when a GOAWAY comes. */
  readonly givesUp?: true;
}

const packaged = (name: string): string => load<{ version: string }>(`${name}/package.json`).version;
const said = (pattern: RegExp, command: string, ...args: string[]): string => pattern.exec(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))![1]!;

const CLIENTS: Readonly<Record<string, Client>> = {
  'Node http2': { command: [process.execPath, compiled('node')], version: () => process.versions.node },
  '@grpc/grpc-js': { command: [process.execPath, compiled('grpc')], version: () => packaged('@grpc/grpc-js') },
  'undici 7': { command: [process.execPath, compiled('undici'), 'undici-7'], version: () => packaged('undici-7'), givesUp: true },
  'undici 8': { command: [process.execPath, compiled('undici'), 'undici-8'], version: () => packaged('undici-8') },
  Go: {
    command: [join(folder, 'client')],
    version() {
      execFileSync('go', ['build', '-o', join(folder, 'client'), fileURLToPath(new URL('scripts/http2-clients/client.go', root))], { env: { ...process.env, GOPROXY: 'off' } });
      return said(/go([\d.]+)/, 'go', 'version');
    },
  },
  curl: { command: [process.execPath, compiled('curl')], version: () => said(/curl (\S+)/, 'curl', '--version') },
  HAProxy: { command: [process.execPath, compiled('haproxy')], version: () => said(/version ([\d.]+)/, 'haproxy', '-v') },
  Chromium: { command: [process.execPath, compiled('chromium')], version: () => said(/Chromium (\d+)/, 'chromium', '--version') },
};

async function run({ command: [program, ...args] }: Client): Promise<{ told: Told; reached: Reached; relay: Relay; reports: DrainReport[] }> {
  const reached: Reached = new Map();
  const keyLog = new KeyLog();
  const relay = new Relay(keyLog);
  const next = async (): Promise<{ drain(): Promise<DrainReport>; busy: Promise<void> }> => {
    let requests = 0;
    const enough = 100 + Math.random() * 200;
    let begin = (): void => {};
    const busy = new Promise<void>((resolve) => (begin = resolve));
    const { server, listen } = makeServer(reached, keyLog, () => ++requests > enough && begin());
    const draining = drainable(server);
    relay.target = await listen();
    return { drain: () => draining.drain(), busy };
  };
  let current = await next();
  const [first = '', ...more] = args;
  const port = String(await relay.listen());
  const child = spawn(program, first === '' ? [port] : [first, port, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  const dead = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${program} ${first} ended with ${code}`)));
  dead.catch(() => {}); // its end is awaited below, too
  const output = text(child.stdout);
  const reports: DrainReport[] = [];
  for (let i = 0; i < DRAINS; i++) {
    await Promise.race([current.busy, dead]);
    const old = current;
    current = await next();
    reports.push(await old.drain());
  }
  child.stdin.end();
  const told = JSON.parse(await output) as Told;
  await current.drain();
  await relay.close();
  return { told, reached, relay, reports };
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const notes: string[] = [];
let lost = 0;

async function tell(name: string, client: Client): Promise<void> {
  const version = client.version();
  const { told, reached, relay, reports } = await run(client);
  const { opened, refused, givenUp, cut } = relay.total;
  const notWhole = told.failed.filter(([path]) => reached.has(path));
  const notRepeated = told.failed.filter(([path]) => !reached.has(path));
  const twice = [...reached.values()].filter((times) => times > 1).length;
  const itself = Math.max(0, refused - told.repeatedByCaller - notRepeated.length); // less than 0: the others were never sent
  const of = (wanted: string): number => notRepeated.filter(([, method]) => method === wanted).length;
  console.log(row([`${name} ${version}`, told.requests, refused, itself, told.repeatedByCaller, of('GET'), of('POST'), notWhole.length, cut, twice]));
  const whys = new Map<string, number>();
  for (const [path, method, why] of told.failed) {
    const key = `${reached.has(path) ? 'reached an application' : 'not repeated'}, ${method}: ${why.replaceAll(/\/request\/\d+|localhost:\d+/g, '…')}`;
    whys.set(key, (whys.get(key) ?? 0) + 1);
  }
  notes.push(`${name}: ${describe(reports)}; ${opened} streams opened, ${givenUp} given up by the client`);
  for (const [why, times] of whys) notes.push(`  ${times} times ${why}`);
  lost += cut + twice + (client.givesUp ? 0 : notWhole.length);
}

try {
  try {
    for (const name of ['@grpc/grpc-js', 'undici-7']) load(name);
  } catch {
    execFileSync('npm', ['ci', '--prefix', 'scripts/http2-clients', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  }
  const names = process.env['CLIENTS']?.split(';') ?? Object.keys(CLIENTS).filter((name) => name !== 'undici 8' || !isOld);
  console.log(`node ${process.version}, ${DRAINS} drains under each client\n`);
  const columns = ['client', 'requests', 'refused', 'sent again by the client itself', 'by its caller', 'not at all: GET', 'POST', 'reached an application and failed in the client', 'not answered whole by the server', 'processed twice'];
  console.log(`${row(columns)}\n${row(columns.map(() => '---'))}`);
  for (const name of names) {
    const client = CLIENTS[name];
    if (client === undefined) throw new Error(`CLIENTS: there is no ${JSON.stringify(name)}, only ${Object.keys(CLIENTS).join(', ')}`);
    await tell(name, client);
  }
  console.log(`\n${notes.join('\n')}`);
  if (isOld) console.log('\nundici 8 needs Node 22.');
  console.log(lost === 0 ? '\nNo request that reached an application was lost.' : `\nLost: ${lost}.`);
  process.exitCode = lost === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
