/** Chromium: a page whose script fetches in loops. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BODY, LENGTH, LOOPS, PATIENCE } from './shared.js';

/** `isPost` of shared.ts, and `run` of loops.ts, for a page. */
const PAGE = `<!doctype html><title>load</title><script type="module">
  const told = { requests: 0, repeatedByCaller: 0, failed: [] };
  const body = 'u'.repeat(${BODY.length});
  let stopped = false;
  async function loop() {
    while (!stopped) {
      const number = told.requests++;
      const [path, method] = ['/request/' + number, number % 4 === 3 ? 'POST' : 'GET'];
      try {
        const options = { method, cache: 'no-store', signal: AbortSignal.timeout(${PATIENCE}), ...(method === 'POST' && { body }) };
        const answer = await fetch('https://localhost:${process.argv[2]}' + path, options);
        const { byteLength } = await answer.arrayBuffer();
        if (byteLength !== ${LENGTH}) throw new Error('an answer of ' + byteLength + ' bytes');
      } catch (error) {
        told.failed.push([path, method, String(error)]);
      }
    }
  }
  fetch('/stopped').then(() => (stopped = true));
  await Promise.all(Array.from({ length: ${LOOPS} }, loop));
  await fetch('/told', { method: 'POST', body: JSON.stringify(told) });
</script>`;

const stopped = once(process.stdin.resume(), 'end');
let told = (_: string): void => {};
const whenTold = new Promise<string>((resolve) => (told = resolve));
const control = http.createServer(async (request, response) => {
  if (request.url === '/stopped') await stopped;
  if (request.url === '/told') told(await text(request));
  response.setHeader('content-type', 'text/html').end(request.url === '/' ? PAGE : '');
});
control.listen(0, '127.0.0.1');
await once(control, 'listening');

const folder = mkdtempSync(join(tmpdir(), 'http2-clients-'));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--ignore-certificate-errors'];
const browser = spawn('chromium', [...flags, `--user-data-dir=${folder}`, `http://127.0.0.1:${(control.address() as AddressInfo).port}/`], { stdio: 'ignore' });
const closed = once(browser, 'close');
const answer = await Promise.race([whenTold, closed.then(() => Promise.reject(new Error('Chromium ended by itself')))]);
browser.kill();
await closed;
rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
process.stdout.write(`${answer}\n`, () => process.exit());
