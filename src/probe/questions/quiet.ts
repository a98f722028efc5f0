/** We end TCP without a `close_notify`, as a crash does, or somebody on the path: what does it do? */
import type { Ask } from './question.js';

export const quiet: Ask = async (line) => {
  await line.closeQuietly();
  return line.ending();
};
