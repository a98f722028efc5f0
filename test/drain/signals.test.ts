import { expect } from 'chai';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { drainable, drainOnSignal, type DrainReport } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { makeServer, outcome } from '../support/origins.js';
import { track } from '../support/pair.js';

const PROGRAM = fileURLToPath(new URL('../support/drained-process.js', import.meta.url));

class Program {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  #onOutput = (): void => {};

  /** `ipc`: with a channel to us, as a process manager's child has it. */
  constructor(args: readonly string[], ipc = false) {
    this.child = fork(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.#ended = Promise.all([once(this.child, 'exit'), once(this.child.stdout!, 'end')]);
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

  async client(): Promise<Client> {
    return Client.connect(Number((await this.until(/listening (\d+)\n/))[1]));
  }

  /** Its exit status, when it has ended and all its output is here. */
  async end(): Promise<[code: number | null, signal: string | null]> {
    await this.#ended;
    return [this.child.exitCode, this.child.signalCode];
  }

  get report(): DrainReport {
    return JSON.parse(/drained (.*)\n/.exec(this.#output)![1]!) as DrainReport;
  }
}

describe('drainOnSignal', function () {
  this.timeout(20_000);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} drains, and the process ends by itself with status 0`, async () => {
      const program = new Program([]);
      const client = await program.client();
      await client.write(get()).until(/the end/);
      program.child.kill(signal);
      expect(await program.end()).to.deep.equal([0, null]);
      expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
      expect(program.output).to.match(/drained .*\nexit 0\n$/);
      expect(client.received).to.equal('close_notify');
    });
  }

  it('a second signal forces what is left, and the process ends by itself', async () => {
    const program = new Program(['never']);
    const client = await program.client();
    client.write(get());
    await program.until(/request/);
    program.child.kill('SIGTERM');
    await program.until(/progress 1\/1/);
    program.child.kill('SIGINT');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
  });

  it('several servers are drained at once, and reported as one', async () => {
    const program = new Program(['servers=3']);
    await program.until(/(listening \d+\n[^]*){3}/);
    const ports = [...program.output.matchAll(/listening (\d+)/g)].map(([, port]) => Number(port));
    const clients = await Promise.all(ports.map((port, i) => Client.connect(port, { habit: i === 0 ? 'lax' : 'strict' })));
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.report).to.include({ total: 3, complete: 2, oneWay: 1, failed: 0, forced: 0 });
    expect(Object.values(program.report.errors)).to.deep.equal([1]);
    expect(clients.map(({ received }) => received)).to.deep.equal(Array(3).fill('close_notify'));
  });

  it('a signal that is not asked for does what it always does', async () => {
    const program = new Program(['signals=SIGINT']);
    await program.client();
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([null, 'SIGTERM']);
  });

  it('a signal does what it always does after disposal', async () => {
    const program = new Program(['dispose']);
    await program.client();
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([null, 'SIGTERM']);
  });

  it("the message 'shutdown' of a process manager drains, and the process ends by itself", async () => {
    const program = new Program([], true);
    const client = await program.client();
    program.child.send('shutdown');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(client.received).to.equal('close_notify');
  });

  it('another message does nothing', async () => {
    const program = new Program([], true);
    const client = await program.client();
    program.child.send('something else');
    await client.write(get()).until(/the end/);
    expect(program.output).to.not.match(/drained/);
    program.child.send('shutdown');
    expect(await program.end()).to.deep.equal([0, null]);
  });

  it('a node:cluster worker drains and ends by itself', async () => {
    const program = new Program(['worker']);
    const client = await program.client();
    program.child.kill('SIGUSR2'); // it sends its worker a SIGTERM
    await program.until(/worker exit 0\n/);
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(client.received).to.equal('close_notify');
  });

  it('listens for nothing after its disposal', () => {
    const counts = (): number[] => ['SIGTERM', 'SIGINT', 'message'].map((event) => process.listenerCount(event));
    const before = counts();
    const listening = drainOnSignal(drainable(makeServer('https')));
    expect(counts()).to.not.deep.equal(before);
    listening[Symbol.dispose]();
    expect(counts()).to.deep.equal(before);
  });

  const drains = drainable(makeServer('https'));
  for (const [name, server, options] of [
    ['server', undefined, {}],
    ['server', makeServer('https'), {}],
    ['server', [drains, {}], {}],
    ['options', drains, null],
    ['options.signals', drains, { signals: 'SIGTERM' }],
    ['options.signals', drains, { signals: [15] }],
    ['options.signals', drains, { signals: ['SIGFOO'] }],
    ['options.signals', drains, { signals: ['SIGTERM', 'SIGKILL'] }],
    ['options.signals', drains, { signals: ['SIGTERM', 'SIGSTOP'] }],
    ['options.onDrained', drains, { onDrained: 1 }],
    ['options.finish', drains, { finish: 1 }],
  ] as const) {
    it(`throws ERR_INVALID_ARG_TYPE for a wrong ${name}, and listens for nothing`, () => {
      const before = process.listenerCount('SIGTERM');
      expect(() => drainOnSignal(server as never, options as never)).to.throw(TypeError, new RegExp(`^${name} must be`)).with.property('code', 'ERR_INVALID_ARG_TYPE');
      expect(process.listenerCount('SIGTERM')).to.equal(before);
    });
  }
});
