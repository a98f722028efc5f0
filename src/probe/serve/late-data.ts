/** Behind the client's alert it sends data, then its own alert. */
import type { Close } from './kind.js';

export const lateData: Close = ({ socket }, first) => {
  if (first === 'client') socket.write('late data\n');
  socket.end();
};
