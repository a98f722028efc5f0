/** We close first, in both directions: how does it answer our `close_notify`? */
import type { Ask } from './question.js';

export const weClose: Ask = async (line) => {
  await line.close();
  return line.ending();
};
