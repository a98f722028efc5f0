/** Nothing changes for programs that have nothing to drain: each is run without the preload, too. */
import { expect } from 'chai';
import { get } from '../support/clients.js';
import type { Program } from '../support/program.js';
import { PRELOADS, run, seen, type RegisteredOptions } from '../support/registered.js';

interface Case {
  readonly args: readonly string[];
  readonly options?: RegisteredOptions;
  act?(program: Program): Promise<unknown>;
}

const kill = (signal: NodeJS.Signals) => async (program: Program): Promise<void> => {
  await program.until(/listening/);
  program.child.kill(signal);
};

async function killWithClient(program: Program): Promise<void> {
  const client = await program.client();
  await client.write(get()).until(/the end/);
  program.child.kill('SIGTERM');
}

const CASES: Record<string, Case> = {
  'a script that fails': { args: ['fail'] },
  'a build that serves and asks itself': { args: ['build'] },
  'a program without a server, at SIGTERM': { args: ['sleep'], act: kill('SIGTERM') },
  'a program without a server, at SIGINT': { args: ['sleep'], act: kill('SIGINT') },
  'a worker thread that serves': { args: ['worker'] },
  'a server that keeps nothing alive': { args: ['unref'], options: { program: 'app.cjs' } },
  'a server that is not ours to drain, at SIGTERM': { args: ['kind=net'], options: { program: 'app.cjs' }, act: kill('SIGTERM') },
  'a server, at a signal that is not asked for': { args: [], options: { program: 'app.cjs' }, act: kill('SIGHUP') },
  'a server without connections, at SIGTERM': { args: [], options: { program: 'app.cjs' }, act: kill('SIGTERM') },
  'a plain server that hands its TLS to an HTTP server, at SIGTERM': { args: ['kind=handed'], options: { program: 'app.cjs' }, act: killWithClient },
  'a plain server that hands its connections to an HTTPS server, at SIGTERM': { args: ['kind=shared'], options: { program: 'app.cjs' }, act: killWithClient },
  'a server with a handler that closes it, at SIGTERM': { args: ['handler=close'], options: { program: 'app.cjs' }, act: kill('SIGTERM') },
  'a server with a handler that exits, at SIGTERM': { args: ['handler=exit'], options: { program: 'app.cjs' }, act: kill('SIGTERM') },
  'a server with signal-exit, at SIGTERM': { args: ['handler=signal-exit'], options: { program: 'app.cjs' }, act: kill('SIGTERM') },
  'a child with a channel to its parent, which ends by itself': { args: ['build'], options: { ipc: true } },
  'a child that keeps nothing alive, with a channel to its parent': { args: ['unref'], options: { program: 'app.cjs', ipc: true } },
  'a child that listens late for its message': {
    args: ['ipc'],
    options: { ipc: true },
    act: async (program) => {
      program.child.once('message', () => program.child.send({ first: 1 }));
      await program.until(/message/);
    },
  },
};

describe('tls-graceful-shutdown/register changes nothing for', function () {
  this.timeout(20_000);

  for (const [name, { args, options, act }] of Object.entries(CASES)) {
    it(name, async () => {
      const [without, ...withIt] = await Promise.all(
        [null, ...Object.values(PRELOADS)].map(async (preload) => {
          const program = run(args, { program: 'job.cjs', ...options, preload });
          await act?.(program);
          return seen(program);
        }),
      );
      expect(without!.output + without!.errors).to.not.equal('');
      for (const one of withIt) expect(one).to.deep.equal(without);
    });
  }
});
