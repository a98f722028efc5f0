/**
 * Run in a network namespace of its own: connects to itself by the loopback, takes that down without a word to either side, and writes what became of our calls.
 * TCP alone notices, after a while: by keep-alive probes, or since what was sent is not acknowledged.
 *
 * argument: `keep-alive, idle`, `keep-alive, waiting` or `not acknowledged`; then the version of TLS
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { getShutdown, shutdown, watch } from '../../../src/index.js';
import { certificate, turns, type Version } from '../../support/pair.js';

const [, , what, version] = process.argv as [string, string, string, Version];
const loopback = (state: 'up' | 'down'): void => void execFileSync('ip', ['link', 'set', 'lo', state]);

loopback('up');
writeFileSync('/proc/sys/net/ipv4/tcp_retries2', '2'); // of 15, which takes a quarter of an hour
const server = tls.createServer({ ...certificate, minVersion: version, maxVersion: version, allowHalfOpen: true }, (socket) => socket.on('error', () => {}).resume().write('hello'));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const ours = watch(tls.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false }));
const errors: string[] = [];
ours.on('error', (error: NodeJS.ErrnoException) => errors.push(`${error.code} ${error.syscall}`));
const closed = new Promise<void>((resolve) => ours.once('close', () => resolve()));
await once(ours, 'data');
ours.resume();
await turns(20); // what was sent is acknowledged

const dies = (): void => {
  if (what !== 'not acknowledged') ours.setKeepAlive(true, 1000); // then a probe a second, ten of them (libuv)
  loopback('down');
};
let early: number | undefined;
if (what === 'keep-alive, waiting') early = (await shutdown(ours)).value;
await turns(20);
dies();
if (what === 'keep-alive, idle') await closed;
const { value, error } = await shutdown(ours, { bidirectional: true, timeout: Infinity });
await closed;
console.log(JSON.stringify({ ...(early !== undefined && { early }), value, code: error?.code, cause: (error?.cause as NodeJS.ErrnoException | undefined)?.code, ...getShutdown(ours), errors }));
process.exit();
