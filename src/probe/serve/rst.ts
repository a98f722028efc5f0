/** By a reset. */
import type { Close } from './kind.js';

export const rst: Close = ({ raw }) => void raw.resetAndDestroy();
