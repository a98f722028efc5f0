/** The program at either end of the link. It does what it is asked, and tells what came of it. */
import * as asking from './acts/asking.js';
import * as closing from './acts/closing.js';
import * as leaving from './acts/leaving.js';
import * as measuring from './acts/measuring.js';
import * as serving from './acts/serving.js';
import * as silence from './acts/silence.js';
import * as unwrapping from './acts/unwrapping.js';

const acts = { ...asking, ...closing, ...leaving, ...measuring, ...serving, ...silence, ...unwrapping };
type Act = (args: never) => unknown;
/** Those that can be asked for: functions of one argument. */
export type Acts = { [K in keyof typeof acts as (typeof acts)[K] extends Act ? K : never]: Extract<(typeof acts)[K], Act> };

process.on('message', async ({ id, act, args }: { id: number; act: keyof Acts; args: never }) => {
  try {
    process.send!({ id, value: await (acts[act] as Act)(args) });
  } catch (error) {
    process.send!({ id, error: (error as Error).stack });
  }
});
process.once('disconnect', () => process.exit());
