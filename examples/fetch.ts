/**
 * The global `fetch`, drained. Node's own undici keeps its connections to itself, but it says on `node:diagnostics_channel` what it opens and what it asks; the undici
 * package does, too. So: wait until nothing is in work, then drain the sockets.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { drainSockets, type DrainReport } from 'tls-graceful-shutdown';
import { startOrigin } from './support/origin.js';

const sockets = new Set<Socket>();
subscribe('undici:client:connected', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});

const inWork = new Set<object>();
const ends = new EventEmitter();
subscribe('undici:request:create', (message) => inWork.add((message as { request: object }).request));
for (const name of ['undici:request:trailers', 'undici:request:error']) {
  subscribe(name, (message) => ends.emit('end', inWork.delete((message as { request: object }).request)));
}

/** When the program makes no new requests any more: behind the drain of its server, say. */
async function drainFetch(): Promise<DrainReport> {
  while (inWork.size > 0) await once(ends, 'end');
  return drainSockets(sockets);
}

const { URL_TO_ASK: url } = process.env;
if (url === undefined) {
  // The certificate is made on the spot, and `fetch` trusts others only from the start on: so the program that asks is a child.
  const origin = await startOrigin();
  const file = fileURLToPath(new URL('./fetch-ca.pem', import.meta.url));
  writeFileSync(file, origin.ca);
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, URL_TO_ASK: origin.url, NODE_EXTRA_CA_CERTS: file } });
  const [status] = await once(child, 'exit');
  rmSync(file);
  origin.close();
  process.exitCode = status as number;
} else {
  const answers = Promise.all([1, 2, 3].map(async () => (await fetch(url)).text()));
  const report = await drainFetch();
  console.log(`${(await answers).length} answers; ${report.total} connections, ${report.complete} complete`);
  assert.deepEqual([await answers, report.total, report.complete], [['answer', 'answer', 'answer'], 3, 3]);
  process.disconnect();
}
