/** We ask for something over a connection that is to be kept, and say nothing more: how does it end an idle connection? */
import type { Ask } from './question.js';

export const idle: Ask = async (line, { request, idle: limit }) => {
  const asked = request('keep');
  if (asked !== undefined) {
    line.send(asked);
    await line.answered();
  }
  line.wait();
  if (await line.untilEnd(limit)) await line.close();
  return line.ending(limit);
};
