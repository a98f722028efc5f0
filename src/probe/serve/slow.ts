/** By `close_notify`, but late. */
import type { Close } from './kind.js';

export const slow: Close = async ({ socket, delay }) => {
  const timer = setTimeout(() => socket.end(), delay);
  socket.once('close', () => clearTimeout(timer));
};
