/** What scenarios are given. */
import { End, killAll } from '../end.js';
import type { Condition } from '../link.js';
import { leftAt, type Row } from '../row.js';
import type { Weather } from '../weather.js';

export interface Ends {
  /** Connects. */
  readonly near: End;
  /** Listens. */
  readonly far: End;
}

export interface Stage extends Ends {
  readonly weather: Weather;
  /** From now on the link is so. */
  change(condition: Condition): Promise<unknown>;
}

export type Scenario = (stage: Stage) => Promise<Row[]>;

/** Sockets that were made so far, and looked for at the end. */
export const looked = { sockets: 0 };

/** With two new processes, in which nothing may be left behind it. */
export async function play(name: string, scenario: Scenario, weather: Weather, change: Stage['change']): Promise<Row[]> {
  const ends: Ends = { near: new End('near'), far: new End('far') };
  try {
    const rows = await scenario({ ...ends, weather, change });
    const alive = (Object.entries(ends) as [string, End][]).filter(([, { child }]) => child.exitCode === null);
    const left = await Promise.all(alive.map(([place, end]) => leftAt(place, end)));
    for (const { made } of left) looked.sockets += made;
    const wrong = left.flatMap((each) => each.wrong);
    return wrong.length === 0 ? rows : [...rows, { link: weather.name, what: `${name}: what is left`, told: '', wrong }];
  } catch (error) {
    return [{ link: weather.name, what: name, told: 'it failed', wrong: [(error as Error).message] }];
  } finally {
    await killAll();
  }
}
