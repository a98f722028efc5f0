/** Programs with and without the preload, as they are started from the command line. `dist/` is what they load. */
import { fileURLToPath } from 'node:url';
import { Program, type ProgramOptions } from './program.js';

export const PRELOADS = {
  import: ['--import', 'tls-graceful-shutdown/register'],
  require: ['--require', 'tls-graceful-shutdown/register'],
} as const;

const programs = new URL('../../../test/register/programs/', import.meta.url);

export interface RegisteredOptions extends ProgramOptions {
  /** Within test/register/programs; default app.cjs. */
  program?: string;
  /** `null` for none. */
  preload?: readonly string[] | null;
  /** `TLS_GRACEFUL_SHUTDOWN`, as an object. */
  options?: object;
  ipc?: boolean;
}

export function run(args: readonly string[] = [], { program = 'app.cjs', preload = PRELOADS.import, options = { idleGrace: 0 }, ipc = false, node = [], ...rest }: RegisteredOptions = {}): Program {
  return new Program(args, ipc, {
    file: fileURLToPath(new URL(program, programs)),
    node: [...(preload ?? []), ...node],
    env: preload === null ? {} : { TLS_GRACEFUL_SHUTDOWN: JSON.stringify(options) },
    stderr: 'pipe',
    ...rest,
  });
}

export interface Seen {
  readonly ended: readonly [code: number | null, signal: string | null];
  readonly output: string;
  readonly errors: string;
}

/** What can be told of a program from outside, when it has ended. Ports and places in files are alike, and it may end before it sees that it has stopped. */
export async function seen(program: Program): Promise<Seen> {
  const ended = await program.end();
  const alike = (text: string): string => text.replace(/listening \d+/g, 'listening').replace(/^stopped\n/gm, '').replace(/\d+:\d+|^ +at .*\n/gm, '');
  return { ended, output: alike(program.output), errors: alike(program.errors) };
}
