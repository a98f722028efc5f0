/** curl, many requests on one connection. It sends a request again by itself where a kept connection was dead, and says so: that one is counted as failed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { PATIENCE, isStopped, note, tally, type Ports } from './client.js';
import { PATHS, bodyOf } from './shared.js';

const URLS = 200;
const PROCESSES = 4;

/** One curl after the other, each with one configuration file. */
async function loop(config: string): Promise<void> {
  while (!isStopped()) await curl(config);
}

async function curl(config: string): Promise<void> {
  const format = '%{stderr}result %{exitcode} %{http_code} %{size_download} %{num_connects} %{url}\n';
  const child = spawn('curl', ['--insecure', '--http1.1', '--no-progress-meter', '--verbose', '--max-time', String(PATIENCE / 1000), '--write-out', format, '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of readline.createInterface(child.stderr)) {
    if (line.startsWith('result ')) {
      const [, exit, status, size, connects, url] = line.split(' ');
      tally.requests++;
      tally.connections += Number(connects);
      if (exit === '0' && status === '200' && Number(size) === bodyOf(new URL(url!).pathname).length) continue;
      tally.failed++;
      if (exit === '56') tally.resets++;
      note(`curl exit ${exit}, status ${status}`);
    } else if (line.includes('retrying a fresh connect')) {
      tally.failed++;
      note('curl: Connection died, sent again');
    }
  }
}

export async function run({ http1, http2 }: Ports): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rolling-restart-'));
  try {
    const configs = [http1, http2].map((port) => {
      const urls = Array.from({ length: URLS }, (_, i) => `url = "https://127.0.0.1:${port}${PATHS[i % PATHS.length]}"\noutput = "/dev/null"`);
      const file = join(folder, String(port));
      writeFileSync(file, urls.join('\n'));
      return file;
    });
    await Promise.all(Array.from({ length: PROCESSES }, (_, i) => loop(configs[i % configs.length]!)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
