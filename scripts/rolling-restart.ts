/**
 * Does a rolling restart lose a request? Two workers, an HTTPS and an HTTP/2 server in each, under constant keep-alive load of several clients, are
 * restarted three times: by a drain with its defaults, and for comparison by one with `idleGrace: 0` and by what else there is. The clients come
 * directly, through nginx, and through HAProxy; neither proxy may repeat a request. Exits with 1 if the defaults lost anything.
 *
 *   npm run restart-test
 *
 * In the environment: REQUESTS (of each way and route, default 20000), RESTARTS (default 3), WAYS, ROUTES and CLIENTS (default all, with semicolons
 * between: `WAYS=defaults ROUTES='direct;nginx' CLIENTS='http2;Python ssl'`).
 */
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DrainReport } from '../src/types.js';
import { describe } from './reports.js';
import type { Ports } from './rolling-restart/client.js';
import { startRoute, type Route } from './rolling-restart/proxies.js';
import { emptyTally, fromBench, type Tally } from './rolling-restart/shared.js';
import type { WayName } from './rolling-restart/ways.js';

const REQUESTS = Number(process.env['REQUESTS'] ?? 20_000);
const RESTARTS = Number(process.env['RESTARTS'] ?? 3);
const chosen = <T extends string>(variable: string, all: readonly T[]): T[] => {
  const names = process.env[variable]?.split(';') ?? all;
  const unknown = names.find((name) => !all.includes(name as T));
  if (unknown !== undefined) throw new Error(`${variable}: there is no ${JSON.stringify(unknown)}, only ${all.join(', ')}`);
  return all.filter((name) => names.includes(name));
};

const root = new URL('../../', import.meta.url);
const compiled = (name: string): string => fileURLToPath(new URL(`./rolling-restart/${name}.js`, import.meta.url));
const source = (name: string): string => fileURLToPath(new URL(`scripts/rolling-restart/${name}`, root));
const folder = mkdtempSync(join(tmpdir(), 'rolling-restart-'));

interface Client {
  readonly command: readonly [string, ...string[]];
  /** The servers of its two ports. */
  readonly servers: readonly [keyof Ports, keyof Ports];
}

const https = (...command: [string, ...string[]]): Client => ({ command, servers: ['http1', 'http1'] });

const CLIENTS = {
  'https.Agent': https(process.execPath, compiled('load'), 'https.Agent'),
  undici: https(process.execPath, compiled('load'), 'undici'),
  curl: https(process.execPath, compiled('load'), 'curl'),
  Go: https(join(folder, 'load')),
  'Python ssl': https('python3', source('strict-client.py')),
  'HTTP/1 to HTTP/2 server': { command: [process.execPath, compiled('load'), 'https.Agent'], servers: ['http2', 'http2'] },
  'HTTP/2': { command: [process.execPath, compiled('load'), 'http2'], servers: ['http2', 'http2'] },
} as const satisfies Record<string, Client>;

type ClientName = keyof typeof CLIENTS;
const NAMES = chosen('CLIENTS', Object.keys(CLIENTS) as ClientName[]);
const WAYS = chosen<WayName>('WAYS', ['defaults', 'idleGrace: 0', 'server.close()', 'http-terminator', 'stoppable', 'http-graceful-shutdown', 'close-with-grace']);
const ROUTES = chosen<Route>('ROUTES', ['direct', 'nginx', 'HAProxy']);

/** Its process, and what it has seen so far. */
interface Load {
  readonly name: ClientName;
  readonly child: ChildProcess;
  tally: Tally;
}

/** Throws with the name of what is missing. */
function prepare(): void {
  const tools: [boolean, string, string][] = [
    [NAMES.includes('curl'), 'curl', '--version'],
    [NAMES.includes('Python ssl'), 'python3', '--version'],
    [NAMES.includes('Go'), 'go', 'version'],
    [ROUTES.includes('nginx'), 'nginx', '-v'],
    [ROUTES.includes('HAProxy'), 'haproxy', '-v'],
  ];
  for (const [isNeeded, tool, version] of tools) if (isNeeded) execFileSync(tool, [version], { stdio: 'ignore' });
  if (NAMES.includes('Go')) execFileSync('go', ['build', '-o', join(folder, 'load'), source('load.go')], { env: { ...process.env, GOPROXY: 'off' } });
  try {
    for (const name of ['undici', 'http-terminator', 'stoppable', 'http-graceful-shutdown', 'close-with-grace']) fromBench(name);
  } catch {
    execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  }
}

function start(name: ClientName, ports: Ports): Load {
  const { command, servers } = CLIENTS[name];
  const [program, ...args] = command;
  const child = spawn(program, [...args, ...servers.map((server) => String(ports[server]))], { stdio: ['pipe', 'pipe', 'inherit'] });
  const load: Load = { name, child, tally: emptyTally() };
  readline.createInterface(child.stdout).on('line', (line) => (load.tally = JSON.parse(line) as Tally));
  return load;
}

const requestsOf = (loads: readonly Load[]): number => loads.reduce((sum, { tally }) => sum + tally.requests, 0);

interface Run {
  readonly loads: readonly Load[];
  readonly reports: readonly DrainReport[];
  readonly complaints: Readonly<Record<string, number>>;
  readonly seconds: number;
}

async function run(way: WayName, route: Route): Promise<Run> {
  const servers = fork(compiled('cluster'), [way]);
  const [{ ports }] = (await once(servers, 'message')) as [{ ports: Ports }];
  const passage = await startRoute(route, ports);
  const began = performance.now();
  const loads = NAMES.filter((name) => route === 'direct' || name !== 'HTTP/2').map((name) => start(name, passage.ports)); // the proxies speak HTTP/1
  const ended = loads.map(({ child }) => once(child, 'close'));
  const until = async (requests: number): Promise<void> => {
    while (requestsOf(loads) < requests) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const dead = loads.find(({ child }) => child.exitCode !== null);
      if (dead !== undefined) throw new Error(`${dead.name} ended by itself, with ${dead.child.exitCode}`);
    }
  };
  const reports: DrainReport[] = [];
  for (let i = 0; i < RESTARTS; i++) {
    await until((REQUESTS / (RESTARTS + 1)) * (i + 1));
    servers.send('restart');
    const [answer] = (await once(servers, 'message')) as [{ reports: DrainReport[] }];
    reports.push(...answer.reports);
  }
  await until(Math.max(REQUESTS, requestsOf(loads) + REQUESTS / 10));
  for (const { child } of loads) child.stdin!.end();
  await Promise.all(ended);
  await passage.stop();
  servers.send('stop');
  await once(servers, 'exit');
  return { loads, reports, complaints: passage.complaints, seconds: (performance.now() - began) / 1000 };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const notes: string[] = [];
let lost = 0;

async function compare(way: WayName, route: Route): Promise<void> {
  const { loads, reports, complaints, seconds } = await run(way, route);
  const all = (key: 'failed' | 'resets' | 'unexpectedEof' | 'refused'): number => sum(loads.map(({ tally }) => tally[key]));
  const failed = NAMES.map((name) => loads.find((load) => load.name === name)?.tally.failed ?? '');
  console.log(row([way, route, requestsOf(loads), ...failed, all('resets'), all('unexpectedEof'), all('refused')]));
  notes.push(`${way}, ${route}: ${loads.map(({ name, tally }) => `${name} ${tally.requests}`).join(', ')} requests in ${seconds.toFixed(0)} s${reports.length === 0 ? '' : `; ${describe(reports)}`}`);
  for (const { name, tally } of loads) for (const [reason, times] of Object.entries(tally.reasons)) notes.push(`  ${name}: ${times} times ${reason}`);
  for (const [complaint, times] of Object.entries(complaints)) notes.push(`  the log of ${route}: ${times} times ${complaint}`);
  if (way === 'defaults') lost += all('failed') + all('resets') + all('unexpectedEof') + sum(Object.values(complaints));
}

process.once('SIGTERM', () => process.exit(1)); // 'exit' ends the proxies
try {
  prepare();
  console.log(`node ${process.version}, ${RESTARTS} rolling restarts of 2 workers for each row\n`);
  const columns = ['way', 'route', 'requests', ...NAMES.map((name, i) => (i === 0 ? `failed: ${name}` : name)), 'resets', 'ended without close_notify', 'refused, repeated'];
  console.log(`${row(columns)}\n${row(columns.map(() => '---'))}`);
  for (const way of WAYS) for (const route of ROUTES) await compare(way, route);
  console.log(`\n"refused, repeated": HTTP/2 requests that crossed a GOAWAY, or were still inside the client; no server acted on them, and they were sent again.\n\n${notes.join('\n')}`);
  if (WAYS.includes('defaults')) console.log(lost === 0 ? '\nThe defaults lost nothing.' : `\nThe defaults lost ${lost}.`);
  process.exitCode = lost === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
