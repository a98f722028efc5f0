/** A signal that reaches the primary of a cluster alone, as a container's stop does. */
import { expect } from 'chai';
import { Client, get } from '../support/clients.js';
import { run } from '../support/registered.js';

const BY_SIGTERM = [null, 'SIGTERM'];

describe('tls-graceful-shutdown/register in a cluster', function () {
  this.timeout(20_000);

  for (const args of [[], ['refork=guarded'], ['refork=always']]) {
    it(`a request in a worker is answered, then all end by the signal, the primary last: ${args.join() || 'no other workers'}`, async () => {
      const program = run(['workers=2', ...args], { options: { log: true, idleGrace: 200 } });
      await program.until(/(listening \d+\n){2}/);
      const client = (await program.client()).write(get('/later'));
      await program.until(/request/);
      const idle = await Client.connect(await program.port()); // with the other worker
      program.child.kill('SIGTERM');
      await program.until(/(stopped\n){2}/);
      idle.write(get());
      await idle.ended;
      program.child.kill('SIGUSR2');
      await client.ended;
      expect(await program.end()).to.deep.equal(BY_SIGTERM);
      for (const one of [client, idle]) expect([one.text.match(/the end$/)?.length, one.received]).to.deep.equal([1, 'close_notify']);
      expect(program.output.match(/worker SIGTERM, true/g)).to.have.length(2);
      expect(program.output.match(/listening/g)).to.have.length(2);
      expect(program.errors.match(/drained \{"total":1,"complete":1/g)).to.have.length(2);
      expect(program.errors.match(/drained \{"total":0/g)).to.have.length(1);
    });
  }

  it("the worker's own handler closes its server: it ends by itself, and its primary by the signal", async () => {
    const program = run(['workers=1', 'handler=close']);
    const client = (await program.client()).write(get('/later'));
    await program.until(/request/);
    program.child.kill('SIGTERM');
    await program.until(/stopped/);
    program.child.kill('SIGUSR2');
    await client.ended;
    expect(client.text).to.match(/the end$/);
    expect(await program.end()).to.deep.equal(BY_SIGTERM);
    expect(program.output).to.match(/closed\nworker 0, true\n$/);
  });

  it("a signal that reaches a worker twice, directly and by its primary, is one: the worker's handler ends it", async () => {
    const program = run(['workers=1', 'handler=once', 'pids'], { options: { idleGrace: 10_000 } });
    const pid = Number((await program.until(/pid (\d+)/))[1]);
    const client = (await program.client()).write(get('/later'));
    await program.until(/request/);
    const others = [await program.client(), await program.client()];
    process.kill(pid, 'SIGTERM');
    await program.until(/stopped/);
    program.child.kill('SIGTERM');
    await program.until(/told/);
    for (const other of others) await other.write(get()).until(/the end/); // the worker has turned twice since
    process.kill(pid, 'SIGUSR2');
    await client.ended;
    expect(await program.end()).to.deep.equal(BY_SIGTERM);
    expect(program.output).to.match(/worker 5, true\n/);
  });

  it("a signal to a worker alone ends it in its handler's way, and another one is started for it", async () => {
    const program = run(['workers=1', 'refork=guarded', 'handler=once', 'pids']);
    await program.client();
    process.kill(Number((await program.until(/pid (\d+)/))[1]), 'SIGTERM');
    await program.until(/worker 5, false\n[^]*listening/);
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal(BY_SIGTERM);
  });

  it('a signal to a worker alone ends that worker by it, and another one is started for it', async () => {
    const program = run(['workers=1', 'refork=guarded', 'pids']);
    const client = (await program.client()).write(get('/later'));
    await program.until(/request/);
    const pid = Number((await program.until(/pid (\d+)/))[1]);
    process.kill(pid, 'SIGTERM');
    await program.until(/stopped/);
    program.child.kill('SIGUSR2');
    await client.ended;
    expect(client.text).to.match(/the end$/);
    await program.until(/worker SIGTERM, false\n[^]*listening/);
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal(BY_SIGTERM);
  });

  it('listens for no signal in a primary whose workers have gone', async () => {
    const program = run(['workers=1', 'counts']);
    await program.until(/primary 1\n/);
    program.child.kill('SIGUSR2');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output).to.match(/primary 1\n[^]*worker 0, true\nprimary 0\n$/);
  });
});
