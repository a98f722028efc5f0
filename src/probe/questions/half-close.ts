/** We ask for something, send our `close_notify` at once and keep reading: does it finish what it has to say? */
import type { Ask } from './question.js';

export const halfClose: Ask = async (line, { request }) => {
  const asked = request('close');
  line.hold();
  if (asked !== undefined) line.send(asked);
  await line.close();
  return line.ending();
};
