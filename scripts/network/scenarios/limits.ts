/** A link too slow for what is in work: the drain ends at `grace`, and says what it cut off. */
import type { Drained } from '../acts/serving.js';
import { reported, tooLate, type Row } from '../row.js';
import type { Scenario, Stage } from './scenario.js';

const GRACE = 2000;
const CONNECTIONS = 4;
/** More than the kernel's buffers hold, and at 64 kbit/s minutes. */
const LENGTH = 8_000_000;

async function cutOff({ near, far, change, weather: { name: link } }: Stage, kind: 'https' | 'http2'): Promise<Row> {
  const port = await far.ask('serve', { kind, version: 'TLSv1.3' });
  if (kind === 'https') await near.ask('askByPool', { version: 'TLSv1.3', port, length: LENGTH, requests: CONNECTIONS });
  else await near.ask('startAsking', { kind, version: 'TLSv1.3', port, clients: 1, length: LENGTH });
  await far.ask('reachedUntil', CONNECTIONS);
  const drained: Drained = await far.ask('drain', { grace: GRACE });
  await change({}); // what the kernel still has would take minutes to the client
  const asked = await near.ask('finishAsking', undefined);
  if (kind === 'https') await near.ask('drainPools', { grace: 0 });
  const { total, forced } = drained.report;
  const wrong = tooLate('the drain', [{ ...drained, timeout: GRACE }]);
  if (forced !== total || total === 0) wrong.push(`it reports ${reported(drained.report)}`);
  if (asked.lost.length !== CONNECTIONS) wrong.push(`${asked.lost.length} of ${CONNECTIONS} clients know that their answer was cut off`);
  return { link, what: `drain: ${kind}, answers that take too long`, told: reported(drained.report), longest: { ...drained, timeout: GRACE }, wrong };
}

/** Two and a half seconds at 64 kbit/s, in which the server takes the connection for an idle one. The client does not, and asks again at once. */
const onItsWay: Scenario = async ({ near, far, weather: { name: link } }) => {
  const port = await far.ask('serve', { kind: 'https', version: 'TLSv1.3' });
  await near.ask('startAsking', { kind: 'https', version: 'TLSv1.3', port, clients: 1, length: 20_000 });
  await far.ask('writtenUntil', 1);
  const drained: Drained = await far.ask('drain', { grace: 60_000, idleGrace: 10_000 });
  const { answered, lost } = await near.ask('finishAsking', undefined);
  const wrong = [...lost, ...tooLate('the drain', [{ ...drained, timeout: 60_000 }])];
  if (answered.length !== 2) wrong.push(`${answered.length} requests were answered: the drain did not begin while the first answer was on its way`);
  if (drained.report.complete !== 1) wrong.push(`it reports ${reported(drained.report)}`);
  const told = `${answered.length} answered, ${lost.length} lost; ${reported(drained.report)}`;
  return [{ link, what: 'drain: https, an answer on its way, `idleGrace` longer than that', told, longest: { ...drained, timeout: 60_000 }, wrong }];
};

export const overLimits: Readonly<Record<string, Scenario>> = {
  'cut off https': async (stage) => [await cutOff(stage, 'https')],
  'cut off http2': async (stage) => [await cutOff(stage, 'http2')],
  'an answer on its way': onItsWay,
};
