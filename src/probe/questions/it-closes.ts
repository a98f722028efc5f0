/** We make it close: does its end carry `close_notify`? */
import { NOTHING_TO_SEND, type Ask } from './question.js';

export const itCloses: Ask = async (line, { request }) => {
  const asked = request('close');
  if (asked === undefined) return NOTHING_TO_SEND;
  line.send(asked);
  if (await line.untilEnd()) await line.close();
  return line.ending();
};
