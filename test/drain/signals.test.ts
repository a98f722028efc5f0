import { expect } from 'chai';
import { drainable, drainOnSignal } from '../../src/index.js';
import { Client, get } from '../support/clients.js';
import { makeServer, outcome } from '../support/origins.js';
import { Program } from '../support/program.js';

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

  it('signals that follow force nothing within a second, and then force what is left', async () => {
    const program = new Program(['never', 'then=wait']);
    const client = await program.client();
    client.write(get());
    await program.until(/request/);
    program.child.kill('SIGTERM');
    await program.until(/progress 1\/1/);
    await program.tellUntil(/drained/, 'SIGINT');
    program.child.kill('SIGUSR2');
    expect(await program.end()).to.deep.equal([0, null]);
    expect(outcome(program.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    expect(program.report.elapsed).to.be.within(950, 5000); // measured from a bit later
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

  it('a channel to the parent keeps nothing alive, also before any signal', async () => {
    const program = new Program(['unheard'], true);
    await program.until(/not listening/);
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output).to.equal('not listening\nexit 0\n');
  });

  it('keeps no message from a listener that the program adds later', async () => {
    const program = new Program(['hears', 'never'], true);
    const client = await program.client();
    program.child.send('first');
    program.child.send({ second: 2 });
    client.write(get());
    await program.until(/request/); // by then the messages have come, too
    program.child.kill('SIGUSR2');
    await program.until(/message "first"\nmessage {"second":2}\n/);
    program.child.send('third');
    await program.until(/message "third"\n/);
    expect(program.output.match(/message/g)).to.have.length(3);
    program.child.kill('SIGKILL');
    await program.end();
  });

  for (const [then, message] of [
    ['throw', 'thrown by onDrained'],
    ['reject', 'rejected by onDrained'],
  ]) {
    it(`an error of onDrained is an unhandled rejection, and the process ends by itself: ${then}`, async () => {
      for (const args of [[], ['worker']]) {
        const program = new Program([`then=${then}`, ...args]);
        await program.client();
        program.child.kill(args.length === 0 ? 'SIGTERM' : 'SIGUSR2');
        expect(await program.end()).to.deep.equal([0, null]);
        expect(program.output).to.match(new RegExp(`drained .*\nunhandled ${message}\nexit 0\n${args.length === 0 ? '' : 'worker exit 0, true\n'}$`));
      }
    });
  }

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
    await program.until(/worker exit 0, true\n/);
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
    ['options.signals', drains, { signals: [undefined] }],
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
