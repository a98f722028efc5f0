// The way of a newcomer, timed. Three of them, each with at most five commands:
//
//   demo     from a fresh clone to the first 1 that is printed
//   tests    from a fresh clone to passing tests
//   express  from an empty folder, with the package from its tarball, to an Express server that is told to end while it answers
//
//   node scripts/newcomer.mjs [demo|tests|express ...]    `dist/` must be built, and the tree be committed. npm's cache is as it is; express needs `openssl`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pack, root } from './package/stranger.mjs';

const MOST_COMMANDS = 5;
/** Characters of what a failed command has printed. */
const MOST_SHOWN = 4000;

/** Commands in a folder of their own, one behind the other. */
class Newcomer {
  folder = mkdtempSync(join(tmpdir(), 'newcomer-'));
  commands = 0;
  start = performance.now();

  get elapsed() {
    return `${((performance.now() - this.start) / 1000).toFixed(1)} s`;
  }

  /** Begins a command; `onLine` is told what it prints. */
  begin(command, onLine = () => {}, cwd = this.folder) {
    this.commands++;
    console.log(`  $ ${command}`);
    const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        text += `${line}\n`;
        onLine(line);
      });
    }
    child.finished = once(child, 'close').then(([code]) => {
      if (code !== 0) throw new Error(`${command}: exit ${code}\n${text.slice(-MOST_SHOWN)}`);
    });
    return child;
  }

  async run(command, onLine, cwd) {
    await this.begin(command, onLine, cwd).finished;
  }

  async clone() {
    await this.run(`git clone --quiet ${JSON.stringify(root)} clone`);
    return join(this.folder, 'clone');
  }
}

/** Resolves at a line that has `text`. */
function untilLine(text) {
  let found;
  const seen = new Promise((resolve) => (found = resolve));
  return { seen, onLine: (line) => void (line.includes(text) && found(line)) };
}

const WAYS = {
  async demo(newcomer) {
    const clone = await newcomer.clone();
    await newcomer.run('npm ci', undefined, clone);
    const { seen, onLine } = untilLine(' = 1 ');
    const demo = newcomer.begin('npm run demo', onLine, clone);
    await Promise.race([seen, demo.finished.then(() => Promise.reject(new Error('the demo printed no 1')))]);
    const first = newcomer.elapsed;
    await demo.finished;
    return `the first 1 after ${first}`;
  },

  async tests(newcomer) {
    const clone = await newcomer.clone();
    await newcomer.run('npm ci', undefined, clone);
    const { seen, onLine } = untilLine(' passing');
    await newcomer.run('npm test', onLine, clone);
    return `${(await seen).trim()} after ${newcomer.elapsed}`;
  },

  async express(newcomer) {
    const { tarball } = pack(newcomer.folder);
    copyFileSync(fileURLToPath(new URL('newcomer/server.mjs', import.meta.url)), join(newcomer.folder, 'server.mjs'));
    newcomer.start = performance.now(); // what a registry would have
    await newcomer.run('npm init --yes');
    await newcomer.run(`npm install express ${tarball}`);
    await newcomer.run('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out cert.pem');
    const [listening, answering, drained] = ['listening', 'answering', 'drained'].map(untilLine);
    const server = newcomer.begin('exec node server.mjs', (line) => [listening, answering, drained].forEach(({ onLine }) => onLine(line)));
    await Promise.race([listening.seen, server.finished]);
    const request = https.get('https://localhost:8443/', { rejectUnauthorized: false, agent: new https.Agent({ keepAlive: true }) });
    const answered = once(request, 'response').then(async ([response]) => [(await response.toArray()).join(''), response.headers.connection]);
    await answering.seen;
    await newcomer.run(`kill -TERM ${server.pid}`);
    const [body, connection] = await answered;
    if (body !== 'hello' || connection !== 'close') throw new Error(`the answer in work was ${body}, Connection: ${connection}`);
    const line = await drained.seen;
    if (!line.includes('"complete":1')) throw new Error(line);
    await server.finished;
    return `an answer in work delivered, and ${line}, after ${newcomer.elapsed}`;
  },
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(WAYS);
for (const name of names) {
  const newcomer = new Newcomer();
  try {
    console.log(`${name}:`);
    const result = await WAYS[name](newcomer);
    if (newcomer.commands > MOST_COMMANDS) throw new Error(`${newcomer.commands} commands`);
    console.log(`ok  ${name}: ${newcomer.commands} commands; ${result}`);
  } finally {
    rmSync(newcomer.folder, { recursive: true, force: true });
  }
}
