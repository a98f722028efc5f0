/**
 * Does anything pile up? Opens and closes TLS connections in all ways at once, both sides in this process, for a long time. In rounds: an HTTPS and an
 * HTTP/2 server listen again and are drained under load in each of them. When a round is over, nothing is open, and what the process holds is written down.
 *
 *   node build/scripts/soak.js [--seconds 1800] [--rate 200] [--round 30] [--seed N]
 *
 * It fails if heap, handles or descriptors grow, at a warning, at an answer that is not true, and at a request or a byte that is lost.
 */
import { parseArgs } from 'node:util';
import { chance } from '../test/support/random.js';
import { describe } from './reports.js';
import { sample, slopeOf, type Held, type Sample } from './soak/flat.js';
import { Place } from './soak/meeting.js';
import { go, NAMES } from './soak/ways.js';
import { Web } from './soak/web.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '1800' }, rate: { type: 'string', default: '200' }, round: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const [seconds, rate, round] = [values.seconds, values.rate, values.round].map(Number) as [number, number, number];
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
/** In ms, at the end of a round: for the end of what is under way, and the collecting of garbage. */
const REST = 800;
/** In ms, before the last connection of a round is opened: the drains take a little more than a second. */
const DRAINS = 1000;
/** At once. A machine that is too slow opens less in a second, and does not fall behind more and more. */
const MOST_UNDER_WAY = 800;
/** Compiled code and caches of the first minutes are no leak. */
const WARM_UP = 0.3;

const random = chance(seed);
const counts: Record<string, number> = Object.fromEntries(NAMES.map((name) => [name, 0]));
const wrong: string[] = [];
let [opened, resumed, underWay] = [0, 0, 0];
process.on('warning', (warning) => wrong.push(`a warning: ${warning.stack}`));

async function one(place: Place): Promise<void> {
  const name = NAMES[opened++ % NAMES.length]!;
  const its = seed + opened;
  underWay++;
  try {
    if (await go(place, name, chance(its))) resumed++;
    counts[name]!++;
  } catch (error) {
    wrong.push(`${name}, seed ${its}: ${(error as Error).message}`);
  } finally {
    underWay--;
  }
}

/** Opens connections at the rate, faster for a while after a rest, and waits for the end of the last. */
async function connections(place: Place, end: number): Promise<void> {
  const all: Promise<void>[] = [];
  while (performance.now() < end && wrong.length < 20) {
    await new Promise((resolve) => setTimeout(resolve, 2 + random.below(10)));
    const due = Math.floor(((performance.now() - start) / 1000) * rate);
    for (let i = 0; i < rate / 50 && opened < due && underWay < MOST_UNDER_WAY; i++) all.push(one(place));
  }
  await Promise.all(all);
}

const start = performance.now();
const place = await Place.open();
const web = new Web();
const samples: Sample[] = [];
console.log(`node ${process.version}, seed ${seed}, ${seconds} s, ${rate} connections a second, a round takes ${round} s`);
for (let i = 1; performance.now() - start < 1000 * seconds && wrong.length < 20; i++) {
  const end = start + 1000 * round * i - REST;
  await web.open();
  const load = connections(place, end);
  await new Promise((resolve) => setTimeout(resolve, end - DRAINS - performance.now()));
  await web.drain();
  await load;
  samples.push(await sample((performance.now() - start) / 60_000));
  wrong.push(...web.lost.splice(0));
}
const took = (performance.now() - start) / 1000;
place.close();

const MB = 1_000_000;
/** Per minute. A heap goes on growing by code and caches for some minutes. A socket that is kept takes 19 KB: with 100 a second that would be 110 MB. */
const LIMITS: Readonly<Record<Held, number>> = { heap: seconds < 600 ? MB : MB / 5, rss: Infinity, handles: 0.5, descriptors: 0.5 };
const steady = samples.slice(Math.floor(samples.length * WARM_UP));
for (const [held, limit] of Object.entries(LIMITS) as [Held, number][]) {
  const { perMinute, noise, least, most } = slopeOf(steady, held);
  const unit = held === 'heap' || held === 'rss' ? MB : 1;
  const [slope, error, from, to] = [perMinute, noise, least, most].map((value) => (value / unit).toFixed(unit === 1 ? 2 : 3));
  const each = unit === 1 ? '' : `, ${((perMinute * took) / 60 / opened).toFixed(1)} bytes for each connection`;
  console.log(`${held}: ${slope} ± ${error} ${unit === 1 ? '' : 'MB '}a minute, between ${from} and ${to}${each}`);
  if (!(perMinute + 2 * noise < limit)) wrong.push(`${held} may grow by ${(perMinute + 2 * noise).toFixed(2)} a minute; the limit is ${limit}`);
}
console.log(`${samples.length} rounds, ${opened} connections in ${took.toFixed(0)} s: ${(opened / took).toFixed(1)} a second; ${resumed} resumed a session; all resolved as they had to:`);
console.log(Object.entries(counts).map(([name, count]) => `  ${count} ${name}`).join('\n'));
console.log(`drains: ${describe(web.reports)}; ${web.answered} requests were answered, ${web.refused} refused by HTTP/2`);
const cut = web.reports.filter(({ failed, forced }) => failed + forced > 0);
if (cut.length > 0) wrong.push(`${cut.length} drains did not end by themselves: ${describe(cut)}`);
for (const each of wrong) console.log(`WRONG: ${each}`);
if (wrong.length > 0) process.exitCode = 1;
