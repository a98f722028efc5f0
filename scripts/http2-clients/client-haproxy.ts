/** HAProxy as a proxy that speaks HTTP/2 to the server, with HTTP/1 clients in front. It may not send a request again (`retries 0`). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { run } from './loops.js';
import { PATIENCE } from './shared.js';

const probe = net.createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address() as AddressInfo;
await once(probe.close(), 'close');
const folder = mkdtempSync(join(tmpdir(), 'http2-clients-'));
const file = join(folder, 'haproxy.cfg');
writeFileSync(
  file,
  `defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen load
  bind 127.0.0.1:${port}
  http-reuse always
  server next 127.0.0.1:${process.argv[2]} ssl verify none alpn h2
`,
);
const proxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
process.once('exit', () => {
  proxy.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const agent = new http.Agent({ keepAlive: true });

const send = (path: string, body: Buffer | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = http.request({ agent, port, host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST', timeout: PATIENCE }, (response) => {
      let received = 0;
      response.on('data', (chunk: Buffer) => (received += chunk.length)).on('error', reject);
      response.on('end', () => (response.statusCode === 200 ? resolve(received) : reject(new Error(`status ${response.statusCode}`))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
    request.end(body);
  });

for (;;) {
  try {
    await send('/ready', undefined);
    break;
  } catch {
    await setTimeout(20); // it does not listen yet
  }
}
await run(send);
