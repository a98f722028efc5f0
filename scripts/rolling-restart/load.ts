/**
 * One load generator of the rolling restart test, in a process of its own. Prints its tally now and then, as a line of JSON, and ends when its
 * standard input does.
 *
 *   node build/scripts/rolling-restart/load.js https.Agent|undici|http2|curl HTTP1-PORT HTTP2-PORT
 */
import { stop, tally, type Ports } from './client.js';

const [, , client = '', http1 = '', http2 = ''] = process.argv;
const report = (): void => console.log(JSON.stringify(tally));
setInterval(report, 200).unref();
process.stdin.resume().once('end', stop);
const { run } = (await import(`./load-${client}.js`)) as { run(ports: Ports): Promise<void> };
await run({ http1: Number(http1), http2: Number(http2) });
report();
process.exit();
