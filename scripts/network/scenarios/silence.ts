/** A link that falls silent for good, under connections that are open: whoever waits finds out by his time limit. */
import { once } from 'node:events';
import { VERSIONS, type Version } from '../../../test/support/pair.js';
import type { KeptTold } from '../acts/silence.js';
import type { Drained } from '../acts/serving.js';
import { compare } from '../bytes.js';
import { SILENCE } from '../link.js';
import { counted, longestOf, reported, shortCode, tooLate, type Row, type Limited } from '../row.js';
import type { Scenario, Stage } from './scenario.js';

const MANY = 200;
const FEW = 10;
const TIMEOUT = 1500;
/** More than the kernel's buffers hold. */
const TOO_MUCH = 8_000_000;

/** Timers may fire a millisecond early. */
const tooEarly = (who: string, calls: readonly Limited[]): string[] => calls.filter(({ milliseconds, timeout }) => milliseconds < timeout - 2).map(({ milliseconds, timeout }) => `${who} ended after ${milliseconds.toFixed(0)} of ${timeout} ms`);

async function keepSome({ near, far }: Stage, version: Version, count: number, wrapped = false): Promise<void> {
  const port = await far.ask('listenAndKeep', version);
  await near.ask('connectAndKeep', { port, version, count, wrapped });
  await far.ask('keptUntil', count);
  await far.ask('stopListening', undefined);
}

const destroyAll = ({ near, far }: Stage): Promise<unknown> => Promise.all([near.ask('destroyKept', undefined), far.ask('destroyKept', undefined)]);

function row({ weather: { name: link } }: Stage, what: string, calls: readonly KeptTold[], expected: string): Row {
  const outcomes = calls.map(({ value, code, sslError }) => (code === undefined ? String(value) : `${value} ${shortCode(code)} ${sslError}`));
  const wrong = outcomes.filter((outcome) => outcome !== expected).map((outcome) => `${what}: ${outcome}, not ${expected}`);
  if (expected !== '0') wrong.push(...tooEarly(what, calls));
  return { link, what, told: counted(outcomes), longest: longestOf(calls), wrong: [...wrong, ...tooLate(what, calls)] };
}

/** Each end finds out by itself. The first step succeeds: the kernel has taken the alert, and nobody knows more. */
const shutdowns = (version: Version): Scenario => async (stage) => {
  const { near, far, change } = stage;
  await keepSome(stage, version, MANY);
  await change(SILENCE);
  const first = await near.ask('shutDownKept', { timeout: TIMEOUT });
  const [second, both] = await Promise.all([near.ask('shutDownKept', { timeout: TIMEOUT }), far.ask('shutDownKept', { bidirectional: true, timeout: TIMEOUT })]);
  await destroyAll(stage);
  const noAnswer = '-1 TIMEOUT SSL_ERROR_WANT_READ';
  const title = `${MANY} half-open, ${version}`;
  return [row(stage, `${title}: step 1`, first, '0'), row(stage, `${title}: step 2`, second, noAnswer), row(stage, `${title}: both steps`, both, noAnswer)];
};

const stuck: Scenario = async (stage) => {
  await keepSome(stage, 'TLSv1.3', FEW);
  await stage.change(SILENCE);
  await stage.near.ask('writeToKept', { name: 'too much', length: TOO_MUCH });
  const calls = await stage.near.ask('shutDownKept', { bidirectional: true, timeout: TIMEOUT });
  await destroyAll(stage);
  return [row(stage, `${FEW} half-open, ${TOO_MUCH / 1e6} MB unsent`, calls, '-1 TIMEOUT SSL_ERROR_WANT_WRITE')];
};

const unwraps = (version: Version): Scenario => async (stage) => {
  await keepSome(stage, version, MANY, true);
  await stage.change(SILENCE);
  const calls = await stage.near.ask('unwrapKept', { timeout: TIMEOUT });
  await destroyAll(stage);
  const told = row(stage, `unwrap of ${MANY} half-open, ${version}`, calls, '-1 TIMEOUT SSL_ERROR_WANT_READ');
  const open = calls.filter(({ isDestroyed }) => !isDestroyed).length;
  return [open === 0 ? told : { ...told, wrong: [...told.wrong, `${open} were not destroyed`] }];
};

/** The calls run into their time limit, the link comes back, and the next calls go on from there. */
const comesBack = (version: Version): Scenario => async (stage) => {
  const { near, far, change, weather } = stage;
  const { length } = weather;
  await keepSome(stage, version, FEW);
  await change(SILENCE);
  await near.ask('writeToKept', { name: 'near', length });
  await far.ask('writeToKept', { name: 'far', length });
  const before = await near.ask('shutDownKept', { bidirectional: true, timeout: TIMEOUT });
  await change({});
  const [after, answers] = await Promise.all([near.ask('shutDownKept', { bidirectional: true, timeout: 30_000 }), far.ask('answerEnds', { timeout: 30_000 })]);
  const received = await near.ask('receivedByKept', undefined);
  const wrong = [...received.flatMap(({ got, port }) => compare('we', got, `far-${port}`, length)), ...answers.flatMap(({ got, port }) => compare('the other end', got, `near-${port}`, length))];
  for (const { value, code } of answers) if (value !== 1) wrong.push(`the other end has ${value} ${shortCode(code)}`);
  await destroyAll(stage);
  const told = row(stage, `silent for ${TIMEOUT} ms, then back, ${version}`, after, '1');
  return [row(stage, `silent for ${TIMEOUT} ms, ${version}`, before, '-1 TIMEOUT SSL_ERROR_WANT_READ'), { ...told, wrong: [...told.wrong.filter((text) => !text.includes(' ended after ')), ...wrong] }];
};

function drainRow({ weather: { name: link } }: Stage, what: string, { report, ...time }: Drained, expected: string, limit: number): Row {
  const wrong = tooLate(what, [{ ...time, timeout: limit }]);
  if (reported(report) !== expected) wrong.push(`it reports ${reported(report)}, not ${expected}`);
  return { link, what: `drain: ${what}`, told: reported(report), longest: { ...time, timeout: limit }, wrong };
}

/** By the time limit of each socket, or by that of the whole. */
const ofTls = (what: string, options: { grace: number; timeout: number }, expected: string): Scenario => async (stage) => {
  const { near, far, change } = stage;
  const port = await far.ask('serve', { kind: 'tls', version: 'TLSv1.3' });
  await near.ask('connectAndKeep', { port, version: 'TLSv1.3', count: MANY });
  await far.ask('securedUntil', MANY);
  await change(SILENCE);
  const drained = await far.ask('drain', options);
  await near.ask('destroyKept', undefined);
  return [drainRow(stage, `tls, ${MANY} half-open, ${what}`, drained, expected, Math.min(options.grace, options.timeout))];
};

const REQUESTS = 4;

/** Idle connections of one pool, and busy ones of another. */
async function idleAndBusy({ near, far }: Stage, version: Version): Promise<void> {
  const port = await far.ask('serve', { kind: 'https', version });
  await near.ask('askByPool', { version, port, length: 100, requests: REQUESTS, path: '/idle' });
  await near.ask('answered', REQUESTS);
  await near.ask('askByPool', { version, port, length: 100, requests: REQUESTS, path: '/never' });
  await far.ask('reachedUntil', 2 * REQUESTS);
}

const LIMITS = { grace: 2000, timeout: 1000, idleGrace: 500 };
const IDLE_AND_BUSY = `${2 * REQUESTS}: ${REQUESTS} failed, ${REQUESTS} forced (TIMEOUT ${REQUESTS}, CLOSED ${REQUESTS})`;

const ofHttps = (version: Version): Scenario => async (stage) => {
  const { near, far, change } = stage;
  await idleAndBusy(stage, version);
  await change(SILENCE);
  const [server, [idle, busy]] = (await Promise.all([far.ask('drain', LIMITS), near.ask('drainPools', { grace: LIMITS.grace, timeout: LIMITS.timeout })])) as [Drained, [Drained, Drained]];
  await near.ask('finishAsking', undefined);
  return [
    drainRow(stage, `https, idle and busy, ${version}`, server, IDLE_AND_BUSY, LIMITS.grace),
    drainRow(stage, `an agent's pool, idle, ${version}`, idle, `${REQUESTS}: ${REQUESTS} failed (TIMEOUT ${REQUESTS})`, LIMITS.timeout),
    drainRow(stage, `an agent's pool, busy, ${version}`, busy, `${REQUESTS}: ${REQUESTS} forced (CLOSED ${REQUESTS})`, LIMITS.grace),
  ];
};

const ofHttp2 = (version: Version): Scenario => async (stage) => {
  const { near, far, change } = stage;
  const port = await far.ask('serve', { kind: 'http2', version });
  await near.ask('openSessions', { version, port, count: FEW });
  await far.ask('reachedUntil', FEW);
  await change(SILENCE);
  const drained = await far.ask('drain', LIMITS);
  await near.ask('destroySessions', undefined);
  return [drainRow(stage, `http2, open streams, ${version}`, drained, `${FEW}: ${FEW} forced (CLOSED ${FEW})`, LIMITS.grace)];
};

const bySignal: Scenario = async (stage) => {
  const { near, far, change } = stage;
  await idleAndBusy(stage, 'TLSv1.3');
  await change(SILENCE);
  const telling = far.ask('drainedBySignal', LIMITS);
  await far.ask('connections', undefined);
  const began = performance.now();
  const exited = once(far.child, 'exit') as Promise<[number | null, string | null]>;
  far.child.kill('SIGTERM');
  const [drained, [code, signal]] = await Promise.all([telling, exited]);
  const lasted = performance.now() - began;
  await near.ask('drainPools', { grace: 0 });
  await near.ask('finishAsking', undefined);
  const told = drainRow(stage, 'by SIGTERM, https', drained, IDLE_AND_BUSY, LIMITS.grace);
  const wrong = code === 0 ? tooLate('the process', [{ milliseconds: lasted, stalled: drained.stalled, timeout: LIMITS.grace }]) : [`the process has ended with ${code ?? signal}`];
  return [{ ...told, told: `${told.told}; exit code ${code} after ${lasted.toFixed(0)} ms`, wrong: [...told.wrong, ...wrong] }];
};

const ofEach = (name: string, scenario: (version: Version) => Scenario): Record<string, Scenario> => Object.fromEntries(VERSIONS.map((version) => [`${name}, ${version}`, scenario(version)]));

export const silences: Readonly<Record<string, Scenario>> = {
  ...ofEach('half-open shutdowns', shutdowns),
  'stuck writes': stuck,
  ...ofEach('half-open unwraps', unwraps),
  ...ofEach('the link comes back', comesBack),
  'drain of tls by timeout': ofTls('by timeout', { grace: 4000, timeout: 1000 }, `${MANY}: ${MANY} failed (TIMEOUT ${MANY})`),
  'drain of tls by grace': ofTls('by grace', { grace: 1000, timeout: 4000 }, `${MANY}: ${MANY} forced (CLOSED ${MANY})`),
  ...ofEach('drain of half-open https', ofHttps),
  ...ofEach('drain of half-open http2', ofHttp2),
  'drain by SIGTERM, half-open': bySignal,
};
