/** Node's own client. It repeats nothing; what may be repeated the loop here sends again. */
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { setImmediate } from 'node:timers/promises';
import { isRefused, isTooLate } from '../refused.js';
import { run, told } from './loops.js';
import { PATIENCE } from './shared.js';

const origin = `https://localhost:${process.argv[2]}`;
let current: ClientHttp2Session | undefined;

function session(): ClientHttp2Session {
  if (current !== undefined) return current;
  const fresh = http2.connect(origin, { rejectUnauthorized: false });
  const leave = (): void => {
    if (current === fresh) current = undefined;
  };
  fresh.on('goaway', leave).on('close', leave).on('error', leave);
  return (current = fresh);
}

/** No server has acted on it. */
class Refused extends Error {}

function request(path: string, method: string): ClientHttp2Stream {
  try {
    return session().request({ ':path': path, ':method': method });
  } catch (error) {
    throw isTooLate(error) ? new Refused() : error;
  }
}

async function attempt(path: string, body: Buffer | undefined): Promise<number> {
  const stream = request(path, body === undefined ? 'GET' : 'POST');
  stream.setTimeout(PATIENCE, () => stream.destroy(new Error('no answer')));
  let received = 0;
  let failure: Error | undefined;
  stream.on('data', (chunk: Buffer) => (received += chunk.length)).on('error', (error) => (failure = error));
  stream.end(body);
  await new Promise((resolve) => stream.once('close', resolve));
  if (failure === undefined && stream.rstCode === 0) return received;
  if (!isRefused(stream)) throw new Error(`reset ${stream.rstCode}, ${failure?.message}`);
  throw new Refused();
}

await run(async (path, body) => {
  for (;;) {
    try {
      return await attempt(path, body);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      told.repeatedByCaller++;
      await setImmediate();
    }
  }
});
