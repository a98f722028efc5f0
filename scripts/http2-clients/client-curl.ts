/** curl, many requests at a time on one connection. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BODY, LENGTH, LOOPS, PATIENCE, isPost, type Told } from './shared.js';

const URLS = 400;
const origin = `https://localhost:${process.argv[2]}`;
const told: Told = { requests: 0, repeatedByCaller: 0, failed: [] };
const folder = mkdtempSync(join(tmpdir(), 'http2-clients-'));
const upload = join(folder, 'upload');
writeFileSync(upload, BODY);

async function curl(): Promise<void> {
  const requests = Array.from({ length: URLS }, () => {
    const number = told.requests++;
    const body = isPost(number) ? `\ndata-binary = "@${upload}"` : '';
    const format = `%{exitcode} %{size_download} /request/${number} %{method} %{errormsg}\\n`;
    return `url = "${origin}/request/${number}"\noutput = "/dev/null"\ninsecure\nhttp2\nmax-time = ${PATIENCE / 1000}\nwrite-out = "${format}"${body}\n`;
  });
  const config = join(folder, 'config');
  writeFileSync(config, requests.join('next\n'));
  const child = spawn('curl', ['--parallel', '--parallel-max', String(LOOPS), '--no-progress-meter', '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  const results = output.trim().split('\n').map((line) => /^(\d+) (\d+) (\S+) (\S+) ?(.*)$/.exec(line)!);
  if (results.length !== URLS) throw new Error(`curl told of ${results.length} requests`);
  for (const [, exit, size, path, method, message] of results) {
    if (exit !== '0' || Number(size) !== LENGTH) told.failed.push([path!, method!, `exit ${exit}, ${size} bytes, ${message}`]);
  }
}

let stopped = false;
process.stdin.resume().once('end', () => (stopped = true));
try {
  while (!stopped) await curl();
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit());
