/** Drains under load that should lose nothing: of an HTTPS and an HTTP/2 server, by a call and by a signal, and of a client's pool. */
import { once } from 'node:events';
import { VERSIONS, type Version } from '../../../test/support/pair.js';
import type { Asked } from '../acts/asking.js';
import type { Drained, Served } from '../acts/serving.js';
import { startPeer, type Peer } from '../peer.js';
import { reported, tooLate, type Row } from '../row.js';
import type { Weather } from '../weather.js';
import type { Scenario, Stage } from './scenario.js';

const GRACE = 60_000;
const TIMEOUT = 20_000;
const CLIENTS = 8;
const STRICT = 2;
/** Answers before the drain. */
const WARM = 40;

const optionsOf = ({ idleGrace }: Weather) => ({ grace: GRACE, timeout: TIMEOUT, ...(idleGrace === undefined ? {} : { idleGrace }) });
/** Short answers, many of them. */
const lengthOf = ({ length }: Weather): number => Math.ceil(length / 10);

/** The server's own list of what has reached it against the client's of what was answered. */
function judgeRequests({ answered, lost }: Asked, { reached }: Served): string[] {
  const whole = new Set(answered);
  const wrong = [...lost];
  for (const [path, times] of Object.entries(reached)) {
    if (times !== 1) wrong.push(`${path} has reached the application ${times} times`);
    if (!whole.has(path)) wrong.push(`${path} has reached the application, and was not answered`);
  }
  for (const path of whole) if (reached[path] === undefined) wrong.push(`${path} was answered, and has not reached the application`);
  return wrong;
}

/**
 * What the server saw of its clients' ends against what they sent. A client of Node's sends no alert where it ends an HTTP/2 session by a GOAWAY of its own. Behind
 * an answer with `Connection: close` it closes its socket at once, and the server's alert meets a reset; where packets overtake each other, that may come before the client's own alert.
 */
function judgeEnds({ sent, ends }: Asked, seen: Record<string, number>, isDisturbed: boolean): string[] {
  const wrong = [];
  const clean = sent['close_notify'] ?? 0;
  const others = Object.values(sent).reduce((sum, count) => sum + count, 0) - clean;
  if ((seen['close_notify'] ?? 0) > clean) wrong.push(`the server saw more alerts than the ${clean} that were sent`);
  if ((seen['fin'] ?? 0) > others) wrong.push(`the server saw ${seen['fin']} bare FINs of ${others}`);
  if (!isDisturbed && seen['error'] !== undefined) wrong.push(`the server saw ${seen['error']} errors`);
  for (const end of ['fin', 'error']) if (ends[end] !== undefined) wrong.push(`clients saw ${ends[end]} connections end by ${end}`);
  return wrong;
}

function judgeReport({ report, ...time }: Drained, isDisturbed: boolean): string[] {
  const resets = isDisturbed ? (report.errors.ERR_TLS_SHUTDOWN_TRANSPORT ?? 0) : 0;
  const wrong = tooLate('the drain', [{ ...time, timeout: GRACE }]);
  return report.failed > resets || report.forced > 0 ? [...wrong, `the drain reports ${reported(report)}`] : wrong;
}

const isDisturbed = ({ condition: { loss = 0, jitter = 0, reorder = 0 } }: Weather): boolean => loss + jitter + reorder > 0;
const tellOf = (asked: Asked, { report }: Drained): string => `${asked.answered.length} answered, ${asked.lost.length} lost${asked.refused > 0 ? `, ${asked.refused} refused` : ''}; ${reported(report)}`;

/** Clients that close only behind the server's `close_notify`, and for which anything else is an error. */
async function startStrict(version: Version, port: number, length: number): Promise<Peer[]> {
  return await Promise.all(Array.from({ length: STRICT }, (_, i) => startPeer({ version, port, behaviour: 'asks', name: `strict-${i}`, length })));
}

async function judgeStrict(peers: readonly Peer[], asked: Asked): Promise<string[]> {
  const all = await Promise.all(peers.map(({ told }) => told));
  for (const { answered = [] } of all) asked.answered.push(...answered);
  return all.filter(({ end }) => end !== 'close_notify').map(({ end }) => `a client on Python saw ${end}`);
}

async function drainServer({ near, far, weather }: Stage, kind: 'https' | 'http2', version: Version): Promise<Row> {
  const port = await far.ask('serve', { kind, version });
  const length = lengthOf(weather);
  await near.ask('startAsking', { kind, version, port, clients: kind === 'https' ? CLIENTS : CLIENTS / 2, length });
  const strict = kind === 'https' ? await startStrict(version, port, length) : [];
  await far.ask('securedUntil', (kind === 'https' ? CLIENTS : CLIENTS / 2) + strict.length);
  await near.ask('answered', WARM);
  const drained = await far.ask('drain', optionsOf(weather));
  const asked = await near.ask('finishAsking', undefined);
  const wrong = await judgeStrict(strict, asked);
  asked.sent['close_notify'] = (asked.sent['close_notify'] ?? 0) + strict.length;
  const served = await far.ask('served', undefined);
  wrong.push(...judgeRequests(asked, served), ...judgeEnds(asked, served.ends, isDisturbed(weather)), ...judgeReport(drained, isDisturbed(weather)));
  return { link: weather.name, what: `drain: ${kind}, ${version}`, told: tellOf(asked, drained), longest: { ...drained, timeout: GRACE }, wrong };
}

const serverDrain = (kind: 'https' | 'http2', version: Version): Scenario => async (stage) => [await drainServer(stage, kind, version)];

/** The process ends by itself behind the drain, and what it had to tell comes before. */
const bySignal: Scenario = async ({ near, far, weather }) => {
  const version = 'TLSv1.3';
  const port = await far.ask('serve', { kind: 'https', version });
  await near.ask('startAsking', { kind: 'https', version, port, clients: CLIENTS, length: lengthOf(weather) });
  await near.ask('answered', WARM);
  const telling = far.ask('drainedBySignal', optionsOf(weather));
  const exited = once(far.child, 'exit') as Promise<[number | null, string | null]>;
  await far.ask('connections', undefined); // by now it listens for the signal
  far.child.kill('SIGTERM');
  const [drained, asked, [code, signal]] = await Promise.all([telling, near.ask('finishAsking', undefined), exited]);
  const wrong = [...asked.lost, ...judgeReport(drained, isDisturbed(weather)), ...(code === 0 ? [] : [`the process has ended with ${code ?? signal}`])];
  return [{ link: weather.name, what: 'drain: by SIGTERM, https', told: `${tellOf(asked, drained)}; exit code ${code}`, longest: { ...drained, timeout: GRACE }, wrong }];
};

const REQUESTS = 16;

/** Some requests are answered, some in work, the others wait for a connection. */
const ofPool = (version: Version): Scenario => async ({ near, far, weather }) => {
  const port = await far.ask('serve', { kind: 'https', version });
  await near.ask('askByPool', { version, port, length: lengthOf(weather), requests: REQUESTS });
  await near.ask('answered', REQUESTS / 4);
  const [drained] = (await near.ask('drainPools', { grace: GRACE, timeout: TIMEOUT })) as [Drained];
  const asked = await near.ask('finishAsking', undefined);
  await far.ask('drain', optionsOf(weather));
  const served = await far.ask('served', undefined);
  const wrong = [...judgeRequests(asked, served), ...judgeEnds(asked, served.ends, false), ...judgeReport(drained, false)];
  if (asked.answered.length !== REQUESTS) wrong.push(`${asked.answered.length} of ${REQUESTS} requests were answered`);
  return [{ link: weather.name, what: `drain: an agent's pool, ${version}`, told: tellOf(asked, drained), longest: { ...drained, timeout: GRACE }, wrong }];
};

export const drains: Readonly<Record<string, Scenario>> = {
  ...Object.fromEntries(VERSIONS.flatMap((version) => (['https', 'http2'] as const).map((kind) => [`drain of ${kind}, ${version}`, serverDrain(kind, version)]))),
  'drain by SIGTERM': bySignal,
  ...Object.fromEntries(VERSIONS.map((version) => [`drain of a pool, ${version}`, ofPool(version)])),
};
