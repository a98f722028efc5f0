/** `gc()` without a flag on the command line. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turns } from './pair.js';

setFlagsFromString('--expose-gc');
export const gc = runInNewContext('gc') as () => void;

/** Collects until `condition` holds, which may take several turns: finalizers and closing handles have theirs. */
export async function collect(condition: () => boolean = () => false): Promise<void> {
  for (let i = 0; i < 30 && !condition(); i++) {
    await turns();
    gc();
  }
}
