/**
 * Runs in a thread of its own: connections that end in every way on a Node that lacks one field, and what was wrong with the answers.
 * Nothing of the package is imported before the field is hidden.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import { hideOf, hideOfEveryHttp, hideOfHttp, hideOfNode, hideOfParser, takesRenamedRequests } from './other-node.js';

export interface Run {
  /** What must never be. */
  readonly wrong: string[];
  /** What was not told, though it is with all fields. */
  readonly untold: string[];
  readonly warnings: string[];
}

const { field, change, onlyHttp } = workerData as { field: string; change: 'missing' | 'changed'; onlyHttp: boolean };
const other = change === 'missing' ? undefined : 'another meaning';
hideOfNode(field, other);

const { getShutdown, gracefulShutdown, drainable, shutdown, watch } = await import('../../src/index.js');
const { meaning, run } = await import('./alert-cells.js');
const { SIDES, VERSIONS, certificate, closeTracked, listen, makePair, track, turns } = await import('./pair.js');

const wrong: string[] = [];
const untold: string[] = [];
const warnings: string[] = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));
process.on('uncaughtException', (error) => wrong.push(`uncaught: ${error.stack}`));

function hideIn(socket: TLSSocket): void {
  hideOf(socket, field, other);
  if (field === 'request.oncomplete') takesRenamedRequests(socket);
}

/** Also settled in time, by the limit of a test. */
async function settled<T>(name: string, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      wrong.push(`${name}: not settled`);
      resolve(undefined);
    }, 8000);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    wrong.push(`${name}: ${(error as Error).stack}`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

type Cell = Parameters<typeof run>[0];

function cells(): Cell[] {
  const base = { level: 2, first: 5, padding: 0, update: false, glued: true, data: true } as const;
  const kinds = ['TCP', ...(field === '_parent.fd' ? ['a Unix socket'] : []), 'a Duplex', 'TLS in TLS', 'wrap() of a net.Socket'];
  const versions = change === 'missing' ? VERSIONS : (['TLSv1.3'] as const);
  return versions.flatMap((version, i) => kinds.flatMap((kind, j) => {
    const side = SIDES[(i + j) % 2]!;
    const calls = kind.startsWith('wrap') ? (['unwrap'] as const) : (['both steps', 'late', 'unwatched'] as const);
    const cases = calls.flatMap((call) => (['before', 'after'] as const).flatMap((when) => [
      { call, when, description: 0, behind: 'nothing' as const, level: 1 },
      { call, when, description: 117, behind: 'a FIN' as const },
      { call, when, description: 117, behind: 'a byte' as const },
    ]));
    return cases.map((each) => ({ ...base, version, side, kind, ...each }));
  }));
}

async function alerts(): Promise<void> {
  const list = cells().values();
  const worker = async (): Promise<void> => {
    for (const cell of list) {
      const name = Object.values(cell).join(' ');
      const outcome = await settled(name, run(cell, hideIn));
      if (outcome === undefined) continue;
      const { value, received, seen } = outcome;
      const said = `${name}: ${value} ${received} (${seen.join(', ')})`;
      const clean = value === 1 || received === 'close_notify' || seen.some((each) => each.endsWith('close_notify'));
      if (meaning(cell) !== 'close_notify' ? clean : received === 'fin' || received === 'error') wrong.push(said);
      else if (meaning(cell) === 'close_notify' && !(value === 1 && received === 'close_notify')) untold.push(said);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const MANY = Buffer.alloc(300_000, 'x');

async function readTo(socket: TLSSocket, whenAll = (): void => {}): Promise<number> {
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length === MANY.length) whenAll();
  });
  await new Promise<void>((resolve) => socket.once('end', resolve).once('close', resolve));
  return length;
}

/** Both write much. Who ends first, and how. */
async function data(name: string, version: 'TLSv1.2' | 'TLSv1.3', side: 'client' | 'server', first: 'ours' | 'peer' | 'cut' | 'quiet' | 'reset'): Promise<void> {
  const { ours, peer, relay, toUs } = await makePair({ version, side, allowHalfOpen: true, early: (socket) => {
    hideIn(socket);
    watch(socket);
  } });
  ours.on('error', () => {});
  const got = readTo(ours, () => {
    if (first === 'cut') relay.fin(toUs);
    if (first === 'reset') relay.reset(toUs);
  });
  const peerGot = readTo(peer);
  peer.write(MANY);
  ours.write(MANY);
  if (first === 'ours') void peerGot.then(() => peer.end());
  if (first === 'peer') peer.end();
  if (first === 'quiet') void peerGot.then(() => peer.end());
  if (first === 'peer' || first === 'cut') await got;
  if (first === 'reset') await new Promise<void>((resolve) => ours.once('close', resolve).once('end', resolve).once('error', () => resolve()));
  const result = await shutdown(ours, { bidirectional: true, quiet: first === 'quiet', timeout: 4000 });
  const { value, state } = result;
  const said = `${name}: ${value} ${result.error?.code} ${state.sent} ${state.received}`;
  if (first === 'quiet' && value !== 1) wrong.push(said);
  if (first === 'cut' && (value === 1 || !['fin', 'unverified'].includes(state.received))) wrong.push(said);
  if (first === 'reset' && (value === 1 || ['fin', 'close_notify'].includes(state.received))) wrong.push(said);
  if ((first === 'ours' || first === 'peer') && !(value === 1 ? state.received === 'close_notify' : state.received === 'unverified')) wrong.push(said);
  if (first === 'cut' && state.received !== 'fin') untold.push(said);
  if ((first === 'ours' || first === 'peer') && value !== 1) untold.push(said);
  if (first !== 'quiet' && first !== 'reset') {
    const here = await got;
    if (here !== MANY.length) wrong.push(`${name}: we got ${here}`);
    if (first !== 'cut') {
      const there = await peerGot;
      if (there !== MANY.length) wrong.push(`${name}: the peer got ${there}`);
    }
  }
  for (const each of [ours, peer]) each.destroy();
}

/** Somebody on the path has an alert of his own in the handshake, which nothing protects. */
async function handshake(name: string, version: 'TLSv1.2' | 'TLSv1.3'): Promise<void> {
  const server = net.createServer({ allowHalfOpen: true }, (raw) => {
    track(raw).on('error', () => {}).once('data', () => raw.end(Buffer.from([21, 3, 3, 0, 2, 1, 0])));
  });
  const ours = track(tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false, minVersion: version, maxVersion: version }));
  hideIn(ours);
  watch(ours).on('error', () => {}).resume();
  const seen: string[] = [];
  for (const event of ['end', 'close']) ours.on(event, () => seen.push(getShutdown(ours).received));
  await new Promise<void>((resolve) => ours.once('end', resolve).once('close', resolve));
  const value = await gracefulShutdown(ours, { bidirectional: true, timeout: 100 });
  const { received, sent } = getShutdown(ours);
  const said = `${name}: ${value} ${sent} ${received} (${seen.join(', ')})`;
  if (value === 1 || sent === 'close_notify' || [...seen, received].some((each) => each === 'close_notify' || each === 'fin')) wrong.push(said);
  ours.destroy();
}

/** A drain behind a request in work and an idle connection. */
async function drains(name: string): Promise<void> {
  const server = https.createServer(certificate, (_request, response) => void setTimeout(() => response.end('answered'), 50));
  hideOfEveryHttp(field, other);
  server.prependListener('secureConnection', hideIn);
  server.on('secureConnection', (socket) => hideOfParser(socket, field, other)); // behind Node's own listener
  const draining = drainable(server, { grace: 4000, idleGrace: 20 });
  const { emit } = server; // the drainable server's
  server.emit = function (event: string, ...args: unknown[]) {
    if (event === 'request') hideOfHttp(args[1] as ServerResponse, field, other);
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  };
  const port = await listen(server);
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const get = async (): Promise<string> => {
    const request = https.get({ port, host: '127.0.0.1', agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    return text;
  };
  await get();
  const answer = get();
  await once(server, 'request');
  const report = await draining.drain();
  if ((await answer) !== 'answered') wrong.push(`${name}: the answer was lost`);
  if (report.forced + report.failed > 0 || report.complete + report.oneWay !== report.total) wrong.push(`${name}: ${JSON.stringify(report)}`);
  if (report.complete !== report.total) untold.push(`${name}: ${JSON.stringify(report)}`);
  agent.destroy();
}

if (!onlyHttp) await alerts();
for (const [i, version] of onlyHttp ? [] : VERSIONS.entries()) {
  const side = SIDES[i]!;
  for (const first of ['ours', 'peer', 'cut', 'quiet', 'reset'] as const) {
    const name = `data ${version} ${side} ${first}`;
    await settled(name, data(name, version, side, first));
  }
  await settled(`handshake ${version}`, handshake(`handshake ${version}`, version));
}
await settled('drain', drains('drain'));
closeTracked();
await turns(4);
parentPort!.postMessage({ wrong, untold, warnings } satisfies Run);
process.exit();
