/** Is the link as bad as it was ordered? The ends measure it by plain TCP, and the link counts its packets. */
import type { Counts } from '../link.js';
import type { Row } from '../row.js';
import type { Weather } from '../weather.js';
import type { Scenario } from './scenario.js';

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

export const measuring: Scenario = async ({ near, far, weather: { name: link, condition, length } }) => {
  const port = await far.ask('listenAndCount', undefined);
  const { roundTrips, milliseconds } = await near.ask('measure', { port, length });
  await far.ask('stopCounting', undefined);
  const { delay = 0, jitter = 0, reorder = 0, rate } = condition;
  const shortest = Math.min(...roundTrips);
  const kbits = (length * 8) / milliseconds;
  const wrong = [];
  if (reorder === 0 && shortest < 2 * (delay - jitter)) wrong.push(`a round trip took only ${shortest.toFixed(1)} ms`);
  if (rate !== undefined && kbits > rate) wrong.push(`the link took ${kbits.toFixed(0)} kbit/s`);
  const told = `round trips of ${shortest.toFixed(1)} to ${Math.max(...roundTrips).toFixed(1)} ms, ${length / 1000} kB in ${seconds(milliseconds)}`;
  return [{ link, what: 'the link itself, by plain TCP', told, wrong }];
};

/** Of all that was played on it. */
export function counting({ name: link, condition: { loss = 0, jitter = 0, reorder = 0 } }: Weather, { packets, dropped, overtaken }: Counts): Row {
  const percent = (100 * dropped) / packets;
  const wrong = [];
  if (percent < loss / 2) wrong.push(`only ${percent.toFixed(1)} % were dropped`);
  if (overtaken === 0 && jitter + reorder > 0) wrong.push('no packet was overtaken');
  return { link, what: 'the link itself, its packets', told: `${packets} packets, ${percent.toFixed(1)} % dropped${overtaken === undefined ? '' : `, ${((100 * overtaken) / packets).toFixed(1)} % overtaken`}`, wrong };
}
