/** A program of its own: support/drained-process.ts, or another one. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DrainReport } from '../../src/index.js';
import { Client } from './clients.js';
import { track } from './pair.js';

const PROGRAM = fileURLToPath(new URL('./drained-process.js', import.meta.url));

export interface ProgramOptions {
  file?: string;
  /** Options of Node's. */
  node?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** What it writes to stderr is in `errors`. */
  stderr?: 'inherit' | 'pipe';
}

export class Program {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  errors = '';
  #onOutput = (): void => {};

  /** `ipc`: with a channel to us, as a process manager's child has it. */
  constructor(args: readonly string[], ipc = false, { file = PROGRAM, node = [], env = {}, stderr = 'inherit' }: ProgramOptions = {}) {
    this.child = fork(file, args, { stdio: ['ignore', 'pipe', stderr, 'ipc'], execArgv: [...node], env: { ...process.env, ...env } });
    const streams = [this.child.stdout!, this.child.stderr].filter((stream) => stream !== null);
    this.#ended = Promise.all([once(this.child, 'exit'), ...streams.map((stream) => once(stream, 'end'))]);
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.errors += chunk));
    if (!ipc) this.child.disconnect();
    track({ destroy: () => void this.child.kill('SIGKILL') });
    this.child.stdout!.setEncoding('latin1').on('data', (chunk: string) => {
      this.#output += chunk;
      this.#onOutput();
    });
  }

  get output(): string {
    return this.#output;
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      await new Promise<void>((resolve) => (this.#onOutput = resolve));
    }
  }

  /** Sends a signal again and again, until it has written what matches. */
  async tellUntil(pattern: RegExp, signal: NodeJS.Signals): Promise<void> {
    const repeating = setInterval(() => this.child.kill(signal), 20);
    track({ close: () => clearInterval(repeating) });
    await this.until(pattern);
    clearInterval(repeating);
  }

  async client(): Promise<Client> {
    return Client.connect(await this.port());
  }

  /** Of its first server. */
  async port(): Promise<number> {
    return Number((await this.until(/listening (\d+)\n/))[1]);
  }

  /** Its exit status, when it has ended and all its output is here. */
  async end(): Promise<[code: number | null, signal: string | null]> {
    await this.#ended;
    return [this.child.exitCode, this.child.signalCode];
  }

  get report(): DrainReport {
    return JSON.parse(/drained (.*)\n/.exec(this.#output + this.errors)![1]!) as DrainReport;
  }
}
