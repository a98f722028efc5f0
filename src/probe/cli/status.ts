/** Exit status by verdict. */
import type { ProbeReport } from '../types.js';

export const EXIT_STATUS: Readonly<Record<ProbeReport['verdict'], number>> = { clean: 0, unclean: 1, unknown: 2 };
