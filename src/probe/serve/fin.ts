/** By a bare FIN. */
import { shutdown } from '../../index.js';
import type { Close } from './kind.js';

export const fin: Close = async ({ socket }) => {
  await shutdown(socket, { quiet: true });
};
