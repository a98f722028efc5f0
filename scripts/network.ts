/**
 * Does everything hold on a bad network? Two network namespaces with a link between them that loses, delays, reorders and slows down packets, or falls
 * silent for good, and a process in each. TCP is the kernel's own, and so is what it makes of that.
 *
 *   node build/scripts/network.js [--short] [--only TEXT] [--seed N]
 *
 * It needs root, iproute2 and Python 3. `--short` takes less than a minute: one link that has everything, and the silent one. `--only` plays the scenarios whose link or
 * name, as in `64 kbit/s: unwrap`, has the text in it. The seed is that of link.py's chance. `NETEM=no` in the environment leaves the kernel's netem aside.
 * Prints a table; exits with 1 if a byte or a request was lost, a limit was overrun, an answer is not what the peer saw, or anything is left.
 */
import { parseArgs } from 'node:util';
import { Link, checkMachine, type Condition } from './network/link.js';
import type { Row } from './network/row.js';
import { closing } from './network/scenarios/closing.js';
import { drains } from './network/scenarios/draining.js';
import { overLimits } from './network/scenarios/limits.js';
import { counting, measuring } from './network/scenarios/measuring.js';
import { looked, play, type Scenario } from './network/scenarios/scenario.js';
import { silences } from './network/scenarios/silence.js';
import { unwrapping } from './network/scenarios/unwrapping.js';
import { SHORT, SILENT, SLOW, WEATHERS, type Weather } from './network/weather.js';

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));

type Scenarios = Readonly<Record<string, Scenario>>;
const everywhere: Scenarios = { 'the link': measuring, shutdown: closing, unwrap: unwrapping, ...drains };
const programme: [Weather, Scenarios][] = [...(values.short ? SHORT : WEATHERS).map((weather): [Weather, Scenarios] => [weather, everywhere]), [SLOW, overLimits], [SILENT, silences]];
/** What a short run leaves out: what is played once more with TLS 1.2, and others that are much like another. */
const LONG = /TLSv1\.2$|: drain by SIGTERM$|: drain of a pool|: cut off http2$|: an answer on its way$/;
const isChosen = (name: string): boolean => name.includes(values.only) && !(values.short && LONG.test(name));

const cells = (list: readonly string[]): string => `| ${list.join(' | ')} |`;
let count = 0;
let wrongs = 0;

function print({ link, what, told, longest, wrong }: Row): void {
  count++;
  wrongs += wrong.length;
  const time = longest === undefined ? '' : `${longest.milliseconds.toFixed(0)} of ${longest.timeout}${longest.stalled < 50 ? '' : `, stood still for ${longest.stalled.toFixed(0)}`}`;
  console.log(cells([link, what, told, time, wrong.length === 0 ? '' : `WRONG: ${wrong.slice(0, 5).join('; ')}${wrong.length > 5 ? `; and ${wrong.length - 5} more` : ''}`]));
}

/** All that can go on one link. Each scenario begins with the link as it is ordered, whatever the one before has made of it. */
async function playOn(link: Link, weather: Weather, scenarios: Scenarios): Promise<void> {
  const counts = { packets: 0, dropped: 0, overtaken: 0 };
  const change = async (condition: Condition): Promise<void> => {
    const { packets, dropped, overtaken } = await link.set(condition);
    counts.packets += packets;
    counts.dropped += dropped;
    counts.overtaken += overtaken ?? NaN;
  };
  const chosen = Object.entries(scenarios).filter(([name]) => isChosen(`${weather.name}: ${name}`));
  await link.set(weather.condition);
  for (const [name, scenario] of chosen) {
    await change(weather.condition);
    for (const row of await play(name, scenario, weather, change)) print(row);
  }
  await change({});
  if (chosen.length > 0) print(counting(weather, counts));
}

async function makeLink(): Promise<Link> {
  try {
    checkMachine();
    return await Link.make(seed);
  } catch (error) {
    console.error(`The network test can't run here: ${(error as Error).message}`);
    process.exit(1);
  }
}

process.once('SIGINT', () => process.exit(130)); // 'exit' ends the processes and removes the namespaces
process.once('SIGTERM', () => process.exit(143));
const began = performance.now();
const link = await makeLink();
console.log(`node ${process.version}, seed ${seed}; the link is ${link.made}\n\n${cells(['link', 'what', 'came to', 'longest, ms', ''])}\n${cells(['---', '---', '---', '---:', '---'])}`);
for (const [weather, scenarios] of programme) await playOn(link, weather, scenarios);
link.close();
console.log(`\n${looked.sockets} sockets were looked for in the end: what is left of them, as a handle, a descriptor or in memory, stands above.\n${count} rows, ${wrongs} wrong, in ${((performance.now() - began) / 1000).toFixed(0)} s`);
process.exitCode = wrongs === 0 ? 0 : 1;
