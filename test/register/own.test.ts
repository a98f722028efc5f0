/** Programs that drain by themselves, too: once, and in their way. */
import { expect } from 'chai';
import { get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { run } from '../support/registered.js';

const UPGRADE = 'connection: upgrade\r\nupgrade: other\r\n';

describe("tls-graceful-shutdown/register, and the program's own drain", function () {
  this.timeout(20_000);

  for (const when of ['early', 'after']) {
    it(`drainOnSignal drains once, and the process ends by itself: drainable() ${when}`, async () => {
      const program = run([when], { program: 'own.cjs', options: { log: true } });
      const client = await program.client();
      await client.write(get()).until(/the end/);
      program.child.kill('SIGTERM');
      expect(await program.end()).to.deep.equal([0, null]);
      expect(client.received).to.equal('close_notify');
      expect(program.output.match(/drained/g)).to.have.length(1);
      expect(program.errors.match(/drained/g)).to.have.length(1);
      expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
      expect(program.output).to.match(/exit 0\n$/);
    });

    it(`the options of drainOnSignal win: drainable() ${when}`, async () => {
      const program = run([when, 'finish'], { program: 'own.cjs' });
      const client = await program.client();
      await client.write(get('/', UPGRADE)).until(/101/);
      program.child.kill('SIGTERM');
      await client.ended;
      expect(client.text).to.match(/goodbye by drainOnSignal$/);
      expect(await program.end()).to.deep.equal([0, null]);
    });

    it(`the options of drainable() win: drainable() ${when}`, async () => {
      const program = run([when, 'none'], { program: 'own.cjs', options: { log: true, idleGrace: 'Infinity', grace: 'Infinity' } });
      const client = await program.client();
      const idle = await program.client();
      await client.write(get('/', UPGRADE)).until(/101/);
      program.child.kill('SIGTERM');
      await client.ended;
      expect(client.text).to.match(/goodbye by drainable$/);
      expect(await program.end()).to.deep.equal([null, 'SIGTERM']); // its idleGrace is 0
      expect(idle.received).to.equal('close_notify');
      expect(outcome(program.report)).to.deep.equal({ total: 2, complete: 2 });
    });
  }

  it('a signal that drainOnSignal was not asked for drains, too, and is sent again', async () => {
    const program = run(['early', 'signals=SIGINT'], { program: 'own.cjs', options: { log: true } });
    const client = await program.client();
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([null, 'SIGTERM']);
    expect(client.received).to.equal('close_notify');
    expect(program.output).to.not.match(/drained/);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
  });

  it("a process manager's message drains once", async () => {
    const program = run(['early'], { program: 'own.cjs', options: { log: true }, ipc: true });
    await program.client();
    program.child.send('shutdown');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output.match(/drained/g)).to.have.length(1);
    expect(outcome(program.report)).to.deep.equal({ total: 1, complete: 1 });
  });
});
