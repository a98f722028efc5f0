/** `TLS_GRACEFUL_SHUTDOWN`. */
import { expect } from 'chai';
import { get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { PRELOADS, run, type RegisteredOptions } from '../support/registered.js';

/** A program that would end by itself. */
const build = (text: string, options: RegisteredOptions = {}) => run(['build'], { program: 'job.cjs', env: { TLS_GRACEFUL_SHUTDOWN: text }, ...options });

describe('TLS_GRACEFUL_SHUTDOWN', function () {
  this.timeout(20_000);

  for (const [text, message] of [
    ['{', /must be JSON\. .*JSON/],
    ['grace=5', /must be JSON\. /],
    ['null', /must be a JSON object\. Received null/],
    ['[]', /must be a JSON object\. Received \[\]/],
    ['30000', /must be a JSON object\. Received 30000/],
    ['{"grase":1}', /"grase" is no option\. There are grace, timeout, idleGrace, quiet, signals, log/],
    ['{"finish":null}', /"finish" is no option/],
    ['{"__proto__":{}}', /"__proto__" is no option/],
    ['{"grace":"1s"}', /grace must be a number of milliseconds\. Received '1s'/],
    ['{"timeout":-1}', /timeout must be from 0 to 2147483647 milliseconds, or Infinity\. Received -1/],
    ['{"grace":1e999,"timeout":null}', /timeout must be a number of milliseconds\. Received null/],
    ['{"grace":100,"idleGrace":100}', /idleGrace must be below grace, which is 100\. Received 100/],
    ['{"quiet":"Infinity"}', /quiet must be a boolean\. Received Infinity/],
    ['{"log":1}', /log must be a boolean\. Received 1/],
    ['{"signals":"SIGTERM"}', /signals must be an array of names of signals that can be caught\. Received 'SIGTERM'/],
    ['{"signals":["SIGTERM","SIGKILL"]}', /signals must be an array of names of signals that can be caught\. Received 'SIGKILL'/],
  ] as const) {
    it(`ends the start with exit code 9, and a line that names what is bad: ${text}`, async () => {
      for (const preload of Object.values(PRELOADS)) {
        const program = build(text, { preload });
        expect(await program.end()).to.deep.equal([9, null]);
        expect(program.output).to.equal('');
        expect(program.errors).to.match(/^tls-graceful-shutdown: TLS_GRACEFUL_SHUTDOWN: .*\n$/).and.to.match(message);
      }
    });
  }

  for (const text of ['', '{}', '{"grace":"Infinity","timeout":"Infinity","idleGrace":"Infinity"}', '{"signals":[],"quiet":true,"log":false}']) {
    it(`starts with ${JSON.stringify(text)}`, async () => {
      const program = build(text);
      expect(await program.end()).to.deep.equal([0, null]);
      expect(program.errors).to.equal('');
    });
  }

  it('signals: others do what they always do', async () => {
    const program = run([], { options: { signals: ['SIGHUP'], log: true, idleGrace: 0 } });
    const client = await program.client();
    program.child.kill('SIGHUP');
    expect(await program.end()).to.deep.equal([null, 'SIGHUP']);
    expect(client.received).to.equal('close_notify');
    const other = run([], { options: { signals: ['SIGHUP'], log: true } });
    await other.client();
    other.child.kill('SIGTERM');
    expect(await other.end()).to.deep.equal([null, 'SIGTERM']);
    expect([program.errors.length > 0, other.errors]).to.deep.equal([true, '']);
  });

  it('grace: what is left then is forced', async () => {
    const program = run([], { options: { grace: 50, log: true } });
    (await program.client()).write(get('/later'));
    await program.until(/request/);
    program.child.kill('SIGTERM');
    expect(await program.end()).to.deep.equal([null, 'SIGTERM']);
    expect(outcome(program.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    expect(program.errors).to.match(/^tls-graceful-shutdown: drained \{.*\}\n$/);
  });

  it('quiet: no alert', async () => {
    const program = run([], { options: { quiet: true, idleGrace: 0 } });
    const client = await program.client();
    program.child.kill('SIGTERM');
    await client.ended;
    expect(client.received).to.not.equal('close_notify');
    expect(await program.end()).to.deep.equal([null, 'SIGTERM']);
    expect(program.errors).to.equal('');
  });
});
