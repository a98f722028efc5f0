/**
 * Do drains keep their promises, whoever the clients are? Servers of every kind, TLS 1.2 and 1.3; clients that pipeline, send the half of a request, blank lines and
 * garbage, upload, upgrade, reset, leave, connect again; `grace`, `force`, `idleGrace`, `quiet`, `finish`, second drains, `listen()` again, `close()`.
 *
 * Nothing crashes. What reached the application is answered whole. What was sent long before an idle connection was closed has reached it. Each report adds up, and has as
 * many connections as the log of the server. No connection is left open. Each drain settles in time. A client without a fault is never `failed`.
 *
 *   node build/scripts/drain-fuzz.js [drains, default 1000] [seed of the first round, default random]
 *
 * The rounds run in a process of their own, so that the seed of one that ends the process is known, too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Round } from './drain-fuzz/round.js';

const IN_CHILD = '--in-child';

/** Written at once: the process may end in the next moment. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function runRounds(drains: number, seed: number): Promise<void> {
  const sums = { drains: 0, connections: 0, crossed: 0, resets: 0, wrong: 0 };
  let current = seed;
  const crash = (error: unknown): void => {
    say(`seed ${current} has CRASHED the process: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(1);
  };
  process.on('uncaughtException', crash).on('unhandledRejection', crash);
  for (; sums.drains < drains; current++) {
    say(`round ${current}`);
    const round = new Round(current);
    await round.run();
    sums.drains += round.drains;
    sums.connections += round.connections;
    sums.crossed += round.crossed;
    sums.resets += round.resets;
    if (round.faults.length === 0) continue;
    sums.wrong++;
    say(`seed ${current} is WRONG: ${round}`);
  }
  say(`${sums.drains} drains of ${sums.connections} connections; ${sums.crossed} requests crossed the close of an idle connection, ${sums.resets} connections came in the instant in which the listening stopped`);
  say(`${sums.wrong} rounds wrong`);
  process.exit(sums.wrong > 0 ? 1 : 0);
}

async function supervise(drains: number, seed: number): Promise<void> {
  console.log(`node ${process.version}, ${drains} drains, first seed ${seed}`);
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), String(drains), String(seed), IN_CHILD], { stdio: ['ignore', 'pipe', 'inherit'] });
  let current = '';
  let buffered = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (buffered + chunk).split('\n');
    buffered = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith('round ')) current = line;
      else console.log(line);
    }
  });
  const [[code, signal]] = (await Promise.all([once(child, 'exit'), once(child.stdout, 'end')])) as [[number | null, string | null], unknown];
  if (signal !== null || (code !== 0 && code !== 1)) console.log(`${current} has ENDED the process: ${signal ?? `exit code ${code}`}`);
  process.exitCode = code === 0 ? 0 : 1;
}

const drains = Number(process.argv[2] ?? 1000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 1e9));
if (process.argv[4] === IN_CHILD) await runRounds(drains, seed);
else await supervise(drains, seed);
