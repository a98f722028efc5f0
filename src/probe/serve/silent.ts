/** Not at all. */
import type { Close } from './kind.js';

export const silent: Close = () => {};
