/** A signal that reaches the primary of a cluster alone, as a container's stop does. */
import { expect } from 'chai';
import { get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { Program } from '../support/program.js';

describe('drainOnSignal in the primary of a cluster', function () {
  this.timeout(20_000);

  it('passes the signal on: the worker drains, then its primary is done, and both end by themselves', async () => {
    const program = new Program(['worker', 'primary']);
    const client = await program.client();
    await client.write(get()).until(/the end/);
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(client.received).to.equal('close_notify');
    expect(program.output).to.match(/drained .*\nexit 0\nworker exit 0, true\nprimary drained 0\n$/);
  });

  it("passes a process manager's message on", async () => {
    const program = new Program(['worker', 'primary'], true);
    await program.client();
    program.child.send('shutdown');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(program.output).to.match(/worker exit 0, true\nprimary drained 0\n$/);
  });

  it('passes a later signal on, which forces', async () => {
    const program = new Program(['worker', 'primary', 'never']);
    const client = await program.client();
    client.write(get());
    await program.until(/request/);
    program.child.kill('SIGTERM');
    await program.until(/progress 1\/1/);
    await program.tellUntil(/progress 0\/1/, 'SIGTERM');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    expect(program.output).to.match(/primary drained 0\n$/);
  });

  it('ends also if the primary starts another worker for each that exits', async () => {
    const program = new Program(['worker', 'primary', 'refork']);
    await program.client();
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output.match(/listening/g)).to.have.length(1);
    expect(program.output.match(/worker exit/g)).to.have.length(1);
    expect(program.output).to.match(/primary drained 0\n/);
  });

  it('lets no worker listen that is started after the signal', async () => {
    const program = new Program(['worker', 'primary', 'refork', 'workers=2', 'never']);
    await program.until(/(listening \d+\n){2}/);
    const client = await program.client();
    client.write(get());
    await program.until(/request/);
    program.child.kill('SIGTERM');
    await program.until(/worker exit 0, true\n/); // the other one
    await program.until(/worker started\n/);
    await program.tellUntil(/progress 0\/1/, 'SIGTERM');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output.match(/listening/g)).to.have.length(2);
  });
});
