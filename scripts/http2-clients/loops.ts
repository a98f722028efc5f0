/** What the clients of Node have in common: loops of one request after the other until the standard input ends, then a line of JSON that says how it went. */
import { BODY, LENGTH, LOOPS, isPost, type Told } from './shared.js';

/** Resolves to the length of the answer. */
export type Send = (path: string, body: Buffer | undefined) => Promise<number>;

export const told: Told = { requests: 0, repeatedByCaller: 0, failed: [] };
let stopped = false;

async function loop(send: Send): Promise<void> {
  while (!stopped) {
    const number = told.requests++;
    const path = `/request/${number}`;
    const body = isPost(number) ? BODY : undefined;
    try {
      const length = await send(path, body);
      if (length !== LENGTH) throw new Error(`an answer of ${length} bytes`);
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      told.failed.push([path, body === undefined ? 'GET' : 'POST', `${code === undefined ? '' : `${String(code)}: `}${message}`]);
    }
  }
}

export async function run(send: Send): Promise<never> {
  process.stdin.resume().once('end', () => (stopped = true));
  await Promise.all(Array.from({ length: LOOPS }, () => loop(send)));
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit());
  return new Promise(() => {});
}
