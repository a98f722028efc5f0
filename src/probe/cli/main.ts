/** The program: `tls-graceful-shutdown probe` and `serve`. */
import { drainOnSignal } from '../../index.js';
import { probeTarget } from '../options.js';
import { reportOf } from '../probe.js';
import { run } from '../run.js';
import { run as runServers } from '../serve/serve.js';
import type { ProbeOptions, ServeOptions } from '../types.js';
import { PACKAGE_VERSION } from '../version.js';
import { coloured, plain, wantsColour } from './colour.js';
import { servingText } from './listing.js';
import { parseProbe, parseServe, type Command, type Parsed } from './parse.js';
import { Progress } from './progress.js';
import { reportText } from './report.js';
import { EXIT_STATUS } from './status.js';
import { EX_USAGE, HELP, PROBE_HELP, SERVE_HELP, unknownCommand, UsageError } from './usage.js';

const { stdout, stderr, argv } = process;

/** Written whole, whatever stdout is. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => stdout.write(text, () => resolve()));
}

async function probeCommand({ options, json, color }: Parsed<ProbeOptions>): Promise<number> {
  const target = probeTarget(options);
  const progress = stderr.isTTY && !json ? new Progress(stderr) : undefined;
  const asked = await run(target, progress ?? { open: new Set() }).finally(() => progress?.end());
  const report = reportOf(target, asked);
  const paint = color && wantsColour(process.env, stdout.isTTY) ? coloured : plain;
  await print(json ? `${JSON.stringify(report)}\n` : reportText(target, asked, report, paint));
  return EXIT_STATUS[report.verdict];
}

/** Ends when a signal has drained the servers. */
async function serveCommand({ options, json }: Parsed<ServeOptions>): Promise<number> {
  const serving = await runServers(options, json ? undefined : (line) => void stdout.write(line));
  const { host, servers, cert, drainables } = serving;
  const drained = new Promise<void>((resolve) => drainOnSignal([...drainables], { onDrained: () => resolve() }));
  await print(json ? `${JSON.stringify({ host, servers, cert })}\n` : servingText(serving, options.cert === undefined));
  await drained;
  return 0;
}

async function command<Options>(parsed: Command<Options>, help: string, start: (parsed: Parsed<Options>) => Promise<number>): Promise<number> {
  if (parsed.wanted === 'run') return start(parsed);
  await print(parsed.wanted === 'help' ? help : `${PACKAGE_VERSION}\n`);
  return 0;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === 'probe') return command(parseProbe(args), PROBE_HELP, probeCommand);
  if (name === 'serve') return command(parseServe(args), SERVE_HELP, serveCommand);
  if (name === '--help' || name === '-h') return command({ wanted: 'help' }, HELP, async () => 0);
  if (name === '--version') return command({ wanted: 'version' }, HELP, async () => 0);
  if (name === undefined) throw new UsageError(`no command is given\n\n${HELP.trimEnd()}`);
  throw unknownCommand(name);
}

/** An option that is found wrong only by `probe` and `serve` themselves. */
function isArgumentError(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_INVALID_ARG_') === true || error.code === 'ERR_OUT_OF_RANGE';
}

async function fail(error: NodeJS.ErrnoException): Promise<number> {
  const isUsage = error instanceof UsageError || isArgumentError(error);
  const message = error.message.replace(/options\.(\w+)/g, '--$1');
  await new Promise<void>((resolve) => stderr.write(`tls-graceful-shutdown: ${message}\n${isUsage ? 'See tls-graceful-shutdown --help.\n' : ''}`, () => resolve()));
  return isUsage ? EX_USAGE : 1;
}

stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1)); // whoever read it has gone
void main(argv.slice(2))
  .catch(fail)
  .then((status) => process.exit(status)); // a look-up of a name may still be under way
