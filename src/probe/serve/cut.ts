/** By a FIN in the middle of a record: its header says 1,024 bytes, and half of them come. */
import { randomBytes } from 'node:crypto';
import { fin } from './fin.js';
import type { Close } from './kind.js';

const APPLICATION_DATA = [0x17, 0x03, 0x03];
const LENGTH = [0x04, 0x00];

export const cut: Close = async (served, first) => {
  served.raw.write(Buffer.concat([Buffer.from([...APPLICATION_DATA, ...LENGTH]), randomBytes(512)]));
  await fin(served, first);
};
