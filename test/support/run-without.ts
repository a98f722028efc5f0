/** This package on a Node that lacks one field, in a thread of its own. */
import { Worker } from 'node:worker_threads';
import { ASKED_OF_HTTP } from '../../src/node/canary.js';
import type { Run } from './canary-run.js';

/** `none` for a Node that has them all. */
export async function runWithout(field: string, change: 'missing' | 'changed'): Promise<Run> {
  const worker = new Worker(new URL('./canary-run.js', import.meta.url), { workerData: { field, change, onlyHttp: ASKED_OF_HTTP.includes(field) }, stderr: true });
  let run: Run | undefined;
  worker.on('message', (message: Run) => (run = message));
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  return run!;
}
