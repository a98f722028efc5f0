/** All ways to close, and what each does in a few words. */
import type { CloseKind } from '../types.js';
import { clean } from './clean.js';
import { cut } from './cut.js';
import { fin } from './fin.js';
import type { Close } from './kind.js';
import { lateData } from './late-data.js';
import { rst } from './rst.js';
import { silent } from './silent.js';
import { slow } from './slow.js';

export const KINDS: Readonly<Record<CloseKind, readonly [close: Close, words: string]>> = {
  clean: [clean, 'close_notify'],
  fin: [fin, 'a bare FIN'],
  rst: [rst, 'a TCP reset'],
  silent: [silent, 'nothing'],
  cut: [cut, 'a FIN in the middle of a record'],
  'late-data': [lateData, "data behind the client's close_notify, then its own"],
  slow: [slow, 'close_notify, but late'],
};
