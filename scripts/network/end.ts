/** A process at one end of the link. What it is asked goes by a channel of its own, not over the link. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within, type Place } from './link.js';
import type { Acts } from './program.js';

const children = new Set<ChildProcess>();
const kill = (): void => {
  for (const child of children) child.kill('SIGKILL');
};
process.once('exit', kill);

/** Of what a scenario has started and has not ended by itself. */
export async function killAll(): Promise<void> {
  const exited = [...children].map((child) => once(child, 'exit'));
  kill();
  await Promise.all(exited);
}

/** Lets a program run in a namespace, in a group of its own: a Ctrl-C is for us. */
export function start(place: Place, command: readonly string[], channel: boolean): ChildProcess {
  const child = spawn('ip', within(place, ...command), { stdio: ['ignore', channel ? 'inherit' : 'pipe', 'inherit', ...(channel ? ['ipc' as const] : [])], detached: true });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

type Answer = { id: number; value: unknown } | { id: number; error: string };

export class End {
  readonly child: ChildProcess;
  #next = 0;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

  constructor(place: Place) {
    this.child = start(place, [process.execPath, '--expose-gc', fileURLToPath(new URL('./program.js', import.meta.url))], true);
    this.child.on('message', (answer: Answer) => {
      const { resolve, reject } = this.#waiting.get(answer.id)!;
      this.#waiting.delete(answer.id);
      if ('error' in answer) reject(new Error(`${place}: ${answer.error}`));
      else resolve(answer.value);
    });
    this.child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${place}: the process has ended, with ${code ?? signal}`));
      this.#waiting.clear();
    });
  }

  ask<K extends keyof Acts>(act: K, args: Parameters<Acts[K]>[0]): Promise<Awaited<ReturnType<Acts[K]>>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, act, args });
    });
  }
}
