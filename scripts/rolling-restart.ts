/**
 * Does a rolling restart lose a request? Two workers, an HTTPS and an HTTP/2 server in each, under constant keep-alive load of five clients, are
 * restarted three times: by a drain with `idleGrace: 1000`, and for comparison by one without, by plain `server.close()` and by http-terminator,
 * the latter two with five seconds before the process ends. Exits with 1 if the drain lost anything.
 *
 *   npm run restart-test
 *
 * In the environment: REQUESTS (of each way, default 20000), RESTARTS (default 3), WAYS and CLIENTS (default all, with semicolons between:
 * `WAYS=drain CLIENTS='http2;Python ssl'`).
 */
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DrainReport } from '../src/types.js';
import type { Way } from './rolling-restart/cluster.js';
import { emptyTally, fromBench, type Tally } from './rolling-restart/shared.js';

const REQUESTS = Number(process.env['REQUESTS'] ?? 20_000);
const RESTARTS = Number(process.env['RESTARTS'] ?? 3);
const CHOSEN = process.env['CLIENTS']?.split(';');
const WAYS = (process.env['WAYS'] ?? 'drain;drain, no idleGrace;close;http-terminator').split(';') as Way[];

const root = new URL('../../', import.meta.url);
const compiled = (name: string): string => fileURLToPath(new URL(`./rolling-restart/${name}.js`, import.meta.url));
const strictClient = fileURLToPath(new URL('scripts/rolling-restart/strict-client.py', root));

/** Its process, and what it has seen so far. */
interface Load {
  readonly name: string;
  readonly child: ChildProcess;
  tally: Tally;
}

const CLIENTS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  'https.Agent': [process.execPath, compiled('load'), 'https.Agent'],
  undici: [process.execPath, compiled('load'), 'undici'],
  curl: [process.execPath, compiled('load'), 'curl'],
  http2: [process.execPath, compiled('load'), 'http2'],
  'Python ssl': ['python3', strictClient],
};

function checkTools(): void {
  for (const tool of ['curl', 'python3']) execFileSync(tool, ['--version'], { stdio: 'ignore' }); // throws with its name
  try {
    fromBench('undici');
    fromBench('http-terminator');
  } catch {
    execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  }
}

function start(name: string, [command, ...args]: readonly [string, ...string[]], ports: number[]): Load {
  const child = spawn(command, [...args, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const load: Load = { name, child, tally: emptyTally() };
  readline.createInterface(child.stdout).on('line', (line) => (load.tally = JSON.parse(line) as Tally));
  return load;
}

const requestsOf = (loads: readonly Load[]): number => loads.reduce((sum, { tally }) => sum + tally.requests, 0);

async function run(way: Way): Promise<{ loads: Load[]; reports: DrainReport[]; seconds: number }> {
  const servers = fork(compiled('cluster'), [way]);
  const [{ ports }] = (await once(servers, 'message')) as [{ ports: number[] }];
  const began = performance.now();
  const loads = Object.entries(CLIENTS).filter(([name]) => CHOSEN?.includes(name) ?? true).map(([name, command]) => start(name, command, ports));
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
  servers.send('stop');
  await once(servers, 'exit');
  return { loads, reports, seconds: (performance.now() - began) / 1000 };
}

const COLUMNS = [17, 9, 9, 7, 7, 15, 18, 12] as const;
const line = (cells: readonly (string | number)[]): string => cells.map((cell, i) => (i < 2 ? String(cell).padEnd(COLUMNS[i]! + 4) : String(cell).padStart(COLUMNS[i]!))).join(' ');

checkTools();
console.log(`node ${process.version}, ${RESTARTS} rolling restarts of 2 workers\n`);
console.log(line(['way', 'client', 'requests', 'failed', 'resets', 'unexpected EOF', 'refused, repeated', 'connections']));
const reasons: string[] = [];
const summaries: string[] = [];
let lost = 0;
for (const way of WAYS) {
  const { loads, reports, seconds } = await run(way);
  for (const { name, tally } of loads) {
    console.log(line([way, name, tally.requests, tally.failed, tally.resets, tally.unexpectedEof, tally.refused, tally.connections]));
    for (const [reason, times] of Object.entries(tally.reasons)) reasons.push(`  ${way}, ${name}: ${times} times ${reason}`);
    if (way === 'drain') lost += tally.failed + tally.resets + tally.unexpectedEof;
  }
  const sum = (key: 'total' | 'complete' | 'oneWay' | 'failed' | 'forced'): number => reports.reduce((all, report) => all + report[key], 0);
  const drains = reports.length > 0 ? `; of ${sum('total')} connections ${sum('complete')} complete, ${sum('oneWay')} oneWay, ${sum('failed')} failed, ${sum('forced')} forced, the longest drain ${Math.round(Math.max(...reports.map(({ elapsed }) => elapsed)))} ms` : '';
  const codes = new Map<string, number>();
  for (const [code, count] of reports.flatMap(({ errors }) => Object.entries(errors))) codes.set(code, (codes.get(code) ?? 0) + count);
  summaries.push(`  ${way}: ${requestsOf(loads)} requests in ${seconds.toFixed(0)} s${drains}${[...codes].map(([code, count]) => `, ${code} ${count}`).join('')}`);
}
console.log(`\n"refused, repeated": HTTP/2 requests that crossed a GOAWAY, or were still inside the client; no server acted on them, and they were sent again on a new session.\n${summaries.join('\n')}`);
if (reasons.length > 0) console.log(`Reasons:\n${reasons.join('\n')}`);
if (WAYS.includes('drain')) console.log(lost === 0 ? '\nThe drain lost nothing.' : `\nThe drain lost ${lost}.`);
process.exitCode = lost === 0 ? 0 : 1;
