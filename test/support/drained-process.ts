/**
 * A program that serves HTTPS until it is told to end. It writes lines: `listening PORT` for each server, `drained REPORT`, `exit` at its end.
 *
 * arguments: `worker` to serve in a `node:cluster` worker, with `primary` whose primary drains, too, and `refork` whose primary starts another one for each that
 * exits, and `workers=N`; `servers=N`; `never` for an application that never answers; `dispose` to stop listening for the signals at once; `signals=A,B`; `unref` to drain
 * what keeps nothing alive; `unheard` for a server that does not listen; `then=throw|reject|wait` for what `onDrained` does;
 * `hears` to listen for messages from SIGUSR2 on
 */
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { drainable, drainOnSignal, type DrainableServer } from '../../src/index.js';
import { makeServer } from './origins.js';
import { certificate } from './pair.js';

const args = process.argv.slice(2);
const valueOf = (name: string): string | undefined => args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Until SIGUSR2. */
const told = new Promise<void>((resolve) => process.once('SIGUSR2', resolve));

async function waitUntilTold(): Promise<void> {
  const alive = setInterval(() => {}, 10_000);
  await told;
  clearInterval(alive);
}

if (args.includes('worker') && cluster.isPrimary) {
  if (args.includes('primary')) drainOnSignal([], { onDrained: ({ total }) => say(`primary drained ${total}`) });
  cluster.on('exit', (worker, code) => {
    say(`worker exit ${code}, ${worker.exitedAfterDisconnect}`);
    if (args.includes('refork')) cluster.fork().once('online', () => say('worker started'));
  });
  const worker = cluster.fork();
  for (let i = 1; i < Number(valueOf('workers') ?? 1); i++) cluster.fork();
  process.on('SIGUSR2', () => worker.process.kill('SIGTERM'));
} else if (args.includes('unref')) {
  // A connection that never ends, and that keeps nothing alive.
  const server = tls.createServer(certificate);
  const drains = drainable(server);
  server.listen(0, '127.0.0.1', () => {
    const client = tls.connect({ ...(server.address() as AddressInfo), host: '127.0.0.1', rejectUnauthorized: false });
    client.on('error', () => {});
    server.once('secureConnection', async (socket) => {
      for (const one of [client, socket, server]) one.unref();
      say(`drained ${JSON.stringify(await drains.drain({ grace: 300, finish: () => new Promise(() => {}) }))}`);
    });
  });
} else {
  const servers: DrainableServer[] = [];
  for (let i = 0; i < Number(valueOf('servers') ?? 1); i++) {
    const server = makeServer('https', (_request, response) => void (args.includes('never') ? say('request') : response.end('the end')));
    servers.push(drainable(server));
    if (args.includes('unheard')) say('not listening');
    else server.listen(0, '127.0.0.1', () => say(`listening ${(server.address() as AddressInfo).port}`));
  }
  const signals = valueOf('signals')?.split(',') as NodeJS.Signals[] | undefined;
  const listening = drainOnSignal(servers.length === 1 ? servers[0]! : servers, {
    ...(signals === undefined ? {} : { signals }),
    grace: Infinity,
    idleGrace: 0,
    onDrained: (report) => {
      say(`drained ${JSON.stringify(report)}`);
      if (valueOf('then') === 'throw') throw new Error('thrown by onDrained');
      if (valueOf('then') === 'reject') return Promise.reject(new Error('rejected by onDrained'));
      if (valueOf('then') === 'wait') return waitUntilTold();
      return undefined;
    },
    onProgress: ({ total, remaining }) => say(`progress ${remaining}/${total}`),
  });
  if (valueOf('then') !== undefined) process.on('unhandledRejection', (error: Error) => say(`unhandled ${error.message}`));
  if (args.includes('hears')) void told.then(() => process.on('message', (message) => say(`message ${JSON.stringify(message)}`)));
  if (args.includes('dispose')) listening[Symbol.dispose]();
  process.on('exit', (code) => say(`exit ${code}`));
}
