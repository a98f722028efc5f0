/** A peer program as a child process: what it printed, what it is told, how it exited. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { afterThisTest } from './cleanup.js';
import { programEnvironment, type Program } from './programs.js';

/** Beyond this a peer hangs, and what it printed is worth more than mocha's message. */
const PATIENCE = 20_000;

export class Child {
  /** Standard output and standard error, as they came. */
  output = '';
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #name: string;
  readonly #closed: Promise<unknown>;
  #ended = false;
  #seen = 0;
  #onOutput = (): void => {};

  constructor(program: Program | (string & {}), args: readonly string[]) {
    this.#name = `${program} ${args.join(' ')}`;
    this.#process = spawn(program, args, { env: programEnvironment() });
    this.#closed = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => {
        this.output += text;
        this.#onOutput();
      });
    }
    this.#process.stdin.on('error', () => {}); // it exited before it read what it was told
    this.#process.on('close', () => {
      this.#ended = true;
      this.#onOutput();
    });
    afterThisTest(() => this.kill());
  }

  /** Waits until it prints `pattern`, after what the last `waitFor` matched. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => finish(() => reject(new Error(`${this.#name} ${why} ${String(pattern)}; it printed:\n${this.output}`)));
      const timer = setTimeout(fail, PATIENCE, 'did not print');
      const finish = (answer: () => void): void => {
        clearTimeout(timer);
        this.#onOutput = () => {};
        answer();
      };
      this.#onOutput = () => {
        const match = pattern.exec(this.output.slice(this.#seen));
        if (match === null) return this.#ended ? fail('ended without printing') : undefined;
        this.#seen += match.index + match[0].length;
        finish(() => resolve(match));
      };
      this.#onOutput();
    });
  }

  /** Types `text` on its standard input. */
  type(text: string): void {
    this.#process.stdin.write(text);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#process.stdin.end();
  }

  /** Waits for its end and gives its exit status. */
  async exitStatus(): Promise<number | null> {
    await this.#closed;
    return this.#process.exitCode;
  }

  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** Sends it `signal`, and waits for its end. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal);
    await this.#closed;
  }
}
