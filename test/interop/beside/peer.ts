/** The scripted peer (peers/forging.ts), which is a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Requests } from '../peers/forging.js';

type Rest<T> = T extends (id: number, ...rest: infer R) => Promise<infer A> ? (...rest: R) => Promise<A> : never;

/** One connection of the peer's. */
export type PeerConnection = { readonly [Name in keyof Requests]: Rest<Requests[Name]> };

export class Peer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: readonly [result: unknown, error: string | undefined]) => void>();
  #numbers = 0;
  #ids = 0;

  constructor() {
    this.#process = fork(fileURLToPath(new URL('../peers/forging.js', import.meta.url)));
    this.#process.on('message', ([number, ...answer]: [number, unknown, string | undefined]) => {
      this.#waiting.get(number)!(answer);
      this.#waiting.delete(number);
    });
    this.#process.on('exit', () => {
      for (const answer of this.#waiting.values()) answer([undefined, 'the peer has ended']);
    });
  }

  #request(...request: readonly [name: keyof Requests, id: number, ...rest: unknown[]]): Promise<unknown> {
    const number = this.#numbers++;
    this.#process.send([number, ...request]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, ([result, error]) => (typeof error === 'string' ? reject(new Error(error)) : resolve(result)));
    });
  }

  connection(): PeerConnection {
    const id = this.#ids++;
    return new Proxy({} as PeerConnection, { get: (_target, name) => (name === 'then' ? undefined : (...rest: unknown[]) => this.#request(name as keyof Requests, id, ...rest)) });
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}
