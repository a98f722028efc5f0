/**
 * An HTTP/2 client that loses nothing when its server drains. A request that crosses the server's GOAWAY is refused, and so provably not processed
 * (RFC 9113 section 8.7): it may be sent again on a new session, whatever its method. grpc-js, undici, browsers and Go do that by themselves; Node's
 * own client leaves it to you.
 */
import assert from 'node:assert/strict';
import http2, { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { text } from 'node:stream/consumers';
import { drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from './support/local.js';

const identity = await certificate();

/** What the two servers were told to do. */
const orders: string[] = [];
const makeServer = (): http2.Http2SecureServer =>
  http2.createSecureServer(identity, async (request, response) => {
    orders.push(await text(request));
    setTimeout(() => response.end('done'), 5);
  });

const [old, replacement] = [makeServer(), makeServer()];
const draining = drainable(old);
const drainingToo = drainable(replacement);
const authorities = [`https://localhost:${await listen(old)}`, `https://localhost:${await listen(replacement)}`];

let current: ClientHttp2Session | undefined;

/** A session that takes requests; where it goes decides a load balancer in real life. */
function session(): ClientHttp2Session {
  if (current === undefined || current.closed || current.destroyed) {
    current = http2.connect(draining.draining ? authorities[1]! : authorities[0]!, { ca: identity.cert, lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) });
    current.on('error', () => {}); // its streams tell
  }
  return current;
}

/** Nobody has processed it: it never got an id, or the server has refused it. */
function mayBeRepeated(stream: ClientHttp2Stream): boolean {
  return stream.pending || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
}

let repeated = 0;

async function post(order: string): Promise<string> {
  for (;;) {
    const stream = session().request({ ':method': 'POST', ':path': '/orders' });
    stream.end(order);
    try {
      return await text(stream);
    } catch (error) {
      if (!mayBeRepeated(stream)) throw error;
      repeated++;
    }
  }
}

const answers: Promise<string>[] = [];
const order = (): number => answers.push(post(`order ${answers.length}`));

order();
await answers[0];
const first = session();
const drained = draining.drain();
while (!first.closed) {
  order(); // in every turn of the event loop, until the GOAWAY has come
  await new Promise(setImmediate);
}
order();

assert.ok((await Promise.all(answers)).every((answer) => answer === 'done'));
assert.deepEqual([...orders].sort(), answers.map((_, i) => `order ${i}`).sort()); // each once
const { failed, forced } = await drained;
console.log(`${answers.length} orders, ${repeated} refused and repeated, ${failed + forced} connections failed`);
assert.ok(repeated > 0);
assert.equal(failed + forced, 0);

current?.close();
await drainingToo.drain();
