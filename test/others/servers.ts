/** HTTPS servers that are drained, and the words for what came of it. */
import https from 'node:https';
import { start, type App, type Origin } from '../support/origins.js';
import { certificate } from '../support/pair.js';
import type { Place } from './row.js';

export function serveHttps({ version }: Place, app: App): Promise<Origin> {
  return start(https.createServer({ ...certificate, minVersion: version, maxVersion: version }, app));
}

/** Of a drain: what it came to, without the zeros. */
export async function reportOf(drained: ReturnType<Origin['drains']['drain']>): Promise<string> {
  const { complete, oneWay, failed, forced } = await drained;
  return Object.entries({ complete, oneWay, failed, forced })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
